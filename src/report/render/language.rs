//! What a template may ask for: loops, conditions and printing. Nothing that keeps or builds values, for a value
//! that doubles in each step is larger than any memory long before it has taken many steps.

use minijinja::machinery::ast::{BinOpKind, CallArg, Expr, Stmt};

use super::filters;

/// A place in a template that asks for more, and what.
#[derive(Debug, PartialEq, Eq)]
pub struct Refused {
    pub line: usize,
    pub what: String,
}

type Judged = Result<(), Refused>;

/// Looks through a template, nothing of which has run.
pub fn judge(statement: &Stmt<'_>) -> Judged {
    match statement {
        Stmt::Template(template) => template.children.iter().try_for_each(judge),
        Stmt::EmitRaw(_) => Ok(()),
        Stmt::EmitExpr(emit) => expression(&emit.expr),
        Stmt::IfCond(condition) => {
            expression(&condition.expr)?;
            condition.true_body.iter().chain(&condition.false_body).try_for_each(judge)
        }
        Stmt::ForLoop(each) if each.recursive => refuse(each.span().start_line, "a loop that calls itself"),
        Stmt::ForLoop(each) => {
            // Several names (`for key, value in …`) take apart, and build nothing.
            expression(&each.iter)?;
            each.filter_expr.iter().try_for_each(expression)?;
            each.body.iter().chain(&each.else_body).try_for_each(judge)
        }
        Stmt::Set(set) => refuse(set.span().start_line, "`set`"),
        Stmt::SetBlock(set) => refuse(set.span().start_line, "`set`"),
        Stmt::WithBlock(with) => refuse(with.span().start_line, "`with`"),
        Stmt::Macro(own) => refuse(own.span().start_line, "`macro`"),
        Stmt::CallBlock(call) => refuse(call.span().start_line, "`call`"),
        Stmt::FilterBlock(filter) => refuse(filter.span().start_line, "`filter`"),
        Stmt::AutoEscape(escape) => refuse(escape.span().start_line, "`autoescape`"),
        Stmt::Block(block) => refuse(block.span().start_line, "`block`"),
        Stmt::Extends(extends) => refuse(extends.span().start_line, "`extends`"),
        Stmt::Include(include) => refuse(include.span().start_line, "`include`"),
        Stmt::Import(import) => refuse(import.span().start_line, "`import`"),
        Stmt::FromImport(import) => refuse(import.span().start_line, "`import`"),
        Stmt::Do(call) => refuse(call.span().start_line, "`do`"),
    }
}

fn expression(asked: &Expr<'_>) -> Judged {
    match asked {
        Expr::Var(_) | Expr::Const(_) => Ok(()),
        Expr::Slice(slice) => {
            expression(&slice.expr)?;
            [&slice.start, &slice.stop, &slice.step].into_iter().flatten().try_for_each(expression)
        }
        Expr::UnaryOp(one) => expression(&one.expr),
        Expr::BinOp(two) => {
            if let Some(sign) = builds(two.op) {
                return refuse(two.span().start_line, &format!("`{sign}`"));
            }
            expression(&two.left)?;
            expression(&two.right)
        }
        Expr::Compare(compare) => {
            expression(&compare.expr)?;
            compare.ops.iter().try_for_each(|with| expression(&with.expr))
        }
        Expr::IfExpr(choice) => {
            expression(&choice.test_expr)?;
            expression(&choice.true_expr)?;
            choice.false_expr.iter().try_for_each(expression)
        }
        Expr::Filter(filter) if !filters::is_known(filter.name) => {
            refuse(filter.span().start_line, &format!("the filter `{}`", filter.name))
        }
        Expr::Filter(filter) => {
            filter.expr.iter().try_for_each(expression)?;
            arguments(&filter.args)
        }
        Expr::Test(test) => {
            expression(&test.expr)?;
            arguments(&test.args)
        }
        Expr::GetAttr(part) => expression(&part.expr),
        Expr::GetItem(item) => {
            expression(&item.expr)?;
            expression(&item.subscript_expr)
        }
        Expr::Call(call) => match &call.expr {
            Expr::Var(name) if name.id == "range" => arguments(&call.args),
            _ => refuse(call.span().start_line, "a call of anything but `range`"),
        },
        Expr::List(list) => list.items.iter().try_for_each(constant),
        Expr::Tuple(tuple) => tuple.items.iter().try_for_each(constant),
        Expr::Map(map) => map.keys.iter().chain(&map.values).try_for_each(constant),
    }
}

/// The sign of an operator whose value may be larger than what it was made of.
const fn builds(operator: BinOpKind) -> Option<&'static str> {
    match operator {
        BinOpKind::Add => Some("+"),
        BinOpKind::Mul => Some("*"),
        BinOpKind::Pow => Some("**"),
        BinOpKind::Concat => Some("~"),
        _ => None,
    }
}

fn arguments(given: &[CallArg<'_>]) -> Judged {
    given.iter().try_for_each(|argument| match argument {
        CallArg::Pos(value) | CallArg::Kwarg(_, value) => expression(value),
        CallArg::PosSplat(value) | CallArg::KwargSplat(value) => refuse(value.span().start_line, "`*` before a value"),
    })
}

/// A list that holds itself again and again is as large as it is deep.
fn constant(value: &Expr<'_>) -> Judged {
    match value {
        Expr::Const(_) => Ok(()),
        other => refuse(other.span().start_line, "a list, a tuple or a map of anything but constants"),
    }
}

fn refuse(line: u16, what: &str) -> Judged {
    Err(Refused { line: usize::from(line), what: what.to_owned() })
}
