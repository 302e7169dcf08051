//! The files of the demo's story, in the shapes a Windows shop in Seoul has them.

use super::RELEASE;
use super::stage::Stage;
use crate::cli::failure::Failure;
use crate::id::Digest;

/// What is in the repository before the release begins.
pub fn source(stage: &Stage<'_, '_>) -> Result<(), Failure> {
    stage.write("src/routing.py", "def route(item):\n    return item.group\n")?;
    stage.write(".gitignore", "build/\nlogs/\nreports/\n")?;
    stage.write("docs/install_guide_ko.md", "# 설치 가이드\n\n이전 버전의 안내입니다.\n")?;
    stage.write("docs/rollback_plan.md", "# 롤백 계획\n\n1. 서비스 제거\n2. 백업본 재설치\n")?;
    stage.write(
        "docs/sprint/routing_enhancement_qa.md",
        "# QA 체크리스트\n\n## 설치\n\n- [x] 설치 프로그램이 오류 없이 끝난다\n- [x] 서비스가 자동으로 시작된다\n\n## 라우팅 그룹\n\n- [x] 그룹을 만들고 조회할 수 있다\n  ```\n  - [ ] 코드 블록 안의 상자는 항목이 아니다\n  ```\n- [x] 되돌리기가 동작한다\n",
    )?;
    stage.write(
        "docs/Tasklist.md",
        "# Tasklist\n\n## Phase 4\n\n- [ ] 다음 분기에 검토할 항목\n\n## Phase 5\n\n- [x] 릴리즈 노트 확인\n\n### 게이트 승인\n\n- [ ] Alpha 승인 로그 반영\n- [ ] Beta 승인 로그 반영\n",
    )
}

/// What the build and QA made.
pub fn alpha(stage: &Stage<'_, '_>) -> Result<(), Failure> {
    stage.write_bytes(&installer(), &sample(b"installer", 300_000))?;
    stage.write_bytes(&frontend(), &sample(b"frontend", 120_000))?;
    stage.write(
        "logs/qa/frontend_build_20251004.log",
        "> frontend@1.4.0 build\n> tsc && vite build\n\nvite v5.4.0 building for production...\n✓ 412 modules transformed.\ndist/index.html   0.46 kB\n✓ built in 8.41s\n",
    )?;
    stage.write(
        "reports/test_rsl_routing_groups.xml",
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<testsuites><testsuite name=\"pytest\" errors=\"0\" failures=\"0\" skipped=\"0\" tests=\"3\" time=\"0.8\">\n<testcase classname=\"tests.test_rsl_routing_groups\" name=\"test_create\" time=\"0.2\"/>\n<testcase classname=\"tests.test_rsl_routing_groups\" name=\"test_list\" time=\"0.3\"/>\n<testcase classname=\"tests.test_rsl_routing_groups\" name=\"test_undo\" time=\"0.3\"/>\n</testsuite></testsuites>\n",
    )?;
    stage.write("logs/task_execution_20251004.log", &format!("{} CI build finished\n", stage.now()))
}

/// Adds the line a person would write to the task-execution log.
pub fn task_log(stage: &Stage<'_, '_>, gate: &str, handle: &str, text: &str) -> Result<(), Failure> {
    let path = "logs/task_execution_20251004.log";
    let mut log = String::from_utf8_lossy(&stage.read(path)?).into_owned();
    log.push_str(&format!("{} {handle} {text}\n", stage.now()));
    debug_assert!(text.starts_with(gate));
    stage.write(path, &log)
}

/// What the beta users and the portal gave.
pub fn beta(stage: &Stage<'_, '_>) -> Result<(), Failure> {
    stage.write("docs/feedback_plan.md", "# 피드백 수집 계획\n\n설문은 설치 다음 날 보낸다.\n")?;
    stage.write("docs/feedback_summary.md", "# 피드백 요약\n\n응답 12건, 설치 실패 없음.\n")?;
    stage.write(
        "docs/install_guide_ko.md",
        &format!("# 설치 가이드 {RELEASE}\n\n새 설치 프로그램에 맞추어 고쳤습니다.\n"),
    )?;
    stage.write(
        "docs/issue_register.md",
        "# 이슈 등록부\n\n- [x] #117 아이콘이 흐리게 보임\n- [ ] #118 한글 경로에서 로그가 남지 않음\n",
    )?;
    stage.write("logs/api_health.json", "{\"status\": \"ok\", \"version\": \"2025-09-29\"}\n")?;
    stage.write("logs/sccm_upload.log", "2 files copied to the software library\r\nverified\r\n")?;
    stage.write_bytes(
        "deliverables/onboarding_evidence/설치_화면.png",
        &[b"\x89PNG\r\n\x1a\n".as_slice(), &sample(b"screen", 2_000)].concat(),
    )?;
    let sums = [installer(), frontend()].map(|path| {
        let digest = stage.read(&path).map(|bytes| Digest::of(&bytes).to_string().to_uppercase());
        digest.map(|digest| format!("{digest} *{}\r\n", path.rsplit('/').next().unwrap_or_default()))
    });
    let sums: Vec<String> = sums.into_iter().collect::<Result<_, _>>()?;
    // PowerShell 5.1 writes UTF-16 with a byte order mark and CRLF.
    let utf16: Vec<u8> =
        "\u{feff}".encode_utf16().chain(sums.concat().encode_utf16()).flat_map(u16::to_le_bytes).collect();
    stage.write_bytes("build/RoutingML.sha256", &utf16)
}

/// What everybody needs before the release goes to all users.
pub fn general_availability(stage: &Stage<'_, '_>) -> Result<(), Failure> {
    stage.write(
        "docs/issue_register.md",
        "# 이슈 등록부\n\n- [x] #117 아이콘이 흐리게 보임\n- [x] #118 한글 경로에서 로그가 남지 않음\n",
    )?;
    stage.write("docs/CAB-2025-118.txt", "Change 118: approved by the change board.\n")?;
    stage.write("docs/announcement.md", "# 공지\n\n모든 사용자에게 배포합니다.\n")?;
    stage.write("docs/install_verification.md", "# 설치 검증\n\n세 대에서 확인.\n")?;
    stage.write("docs/rollback_verification.md", "# 롤백 검증\n\n백업본으로 되돌린 뒤 정상 동작을 확인.\n")?;
    let previous = Digest::of(b"the installer before this one");
    stage.write("build/previous.sha256", &format!("{previous}  RoutingMLInstaller_2025-09-22.exe\n"))?;
    let notes = format!(
        "# Routing ML {RELEASE}\n\n손으로 쓴 머리말은 그대로 남습니다.\n\n<!-- ledger:begin notes -->\n<!-- ledger:end notes -->\n"
    );
    stage.write(&format!("deliverables/release_notes_{RELEASE}.md"), &notes)
}

fn installer() -> String {
    format!("build/windows/RoutingMLInstaller_{RELEASE}.exe")
}

fn frontend() -> String {
    format!("build/frontend/RoutingMLFrontend_{RELEASE}.zip")
}

/// Bytes that look like a binary and are the same every time.
fn sample(seed: &[u8], length: usize) -> Vec<u8> {
    let mut block = Digest::of(seed);
    let mut bytes = Vec::with_capacity(length);
    while bytes.len() < length {
        bytes.extend_from_slice(block.as_bytes());
        block = Digest::of(block.as_bytes());
    }
    bytes.truncate(length);
    bytes
}
