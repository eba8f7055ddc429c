//! From text to a [`Claim`], by recursive descent.

use std::str::FromStr;

use super::ast::{BinaryOperator, Cell, Claim, Comparison, Expression, Relation};
use super::error::{MAX_DEPTH, MAX_LENGTH, ParseError, ParseErrorKind};
use super::lexer::{Keyword, Token, tokens};
use super::span::Span;
use crate::scores::CellId;

impl FromStr for Claim {
    type Err = ParseError;

    /// Parses the grammar of [the module](super).
    fn from_str(text: &str) -> Result<Self, ParseError> {
        let mut parser = Parser::new(text)?;
        let mut alternatives = vec![parser.alternative()?];
        while parser.take(&Token::Keyword(Keyword::Or)) {
            alternatives.push(parser.alternative()?);
        }
        parser.finish("`and`, `or` or the end of the claim")?;
        Ok(Self { alternatives })
    }
}

impl FromStr for Expression {
    type Err = ParseError;

    /// Parses one side of a comparison.
    fn from_str(text: &str) -> Result<Self, ParseError> {
        let mut parser = Parser::new(text)?;
        let expression = parser.sum()?;
        parser.finish("an operator or the end of the expression")?;
        Ok(expression)
    }
}

struct Parser {
    tokens: Vec<(Token, Span)>,
    next: usize,
    depth: usize,
    end: usize,
}

impl Parser {
    fn new(text: &str) -> Result<Self, ParseError> {
        if text.len() > MAX_LENGTH {
            return Err(ParseError {
                span: Span { start: 0, end: text.len() },
                kind: ParseErrorKind::TooLong,
            });
        }
        Ok(Self { tokens: tokens(text)?, next: 0, depth: 0, end: text.trim_end().len() })
    }

    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.next).map(|(token, _)| token)
    }

    fn span(&self) -> Span {
        self.tokens.get(self.next).map_or(Span { start: self.end, end: self.end }, |(_, span)| *span)
    }

    fn take(&mut self, token: &Token) -> bool {
        let found = self.peek() == Some(token);
        self.next += usize::from(found);
        found
    }

    fn error(&self, kind: ParseErrorKind) -> ParseError {
        ParseError { span: self.span(), kind }
    }

    fn expected(&self, expected: &'static str) -> ParseError {
        let found = self.peek().map_or_else(|| "the end".to_owned(), Token::describe);
        self.error(ParseErrorKind::Expected { expected, found })
    }

    fn finish(&self, expected: &'static str) -> Result<(), ParseError> {
        if self.next == self.tokens.len() { Ok(()) } else { Err(self.expected(expected)) }
    }

    /// Comparisons of which all must hold.
    fn alternative(&mut self) -> Result<Vec<Comparison>, ParseError> {
        let mut comparisons = Vec::new();
        loop {
            if self.function() == Some("ranks") {
                comparisons.extend(self.ranks()?);
            } else {
                comparisons.push(self.comparison()?);
            }
            if !self.take(&Token::Keyword(Keyword::And)) {
                return Ok(comparisons);
            }
        }
    }

    fn relation(&self) -> Option<Relation> {
        Some(match self.peek()? {
            Token::Sign('>') => Relation::Above,
            Token::Sign('<') => Relation::Below,
            Token::AtLeast => Relation::AtLeast,
            Token::AtMost => Relation::AtMost,
            Token::Sign('~') => Relation::Within(0.0),
            _ => return None,
        })
    }

    fn comparison(&mut self) -> Result<Comparison, ParseError> {
        let first = self.next;
        let left = self.sum()?;
        let relation = self.relation().ok_or_else(|| self.expected("`>`, `<`, `>=`, `<=` or `~`"))?;
        self.next += 1;
        let right = self.sum()?;
        let relation = match relation {
            Relation::Within(_) => Relation::Within(self.tolerance()?),
            relation => relation,
        };
        if self.relation().is_some() {
            return Err(self.error(ParseErrorKind::Chained));
        }
        let comparison = within(Comparison { left, relation, right });
        let span = Span { start: self.tokens[first].1.start, end: self.tokens[self.next - 1].1.end };
        if comparison.cells().is_empty() {
            return Err(ParseError { span, kind: ParseErrorKind::NoCell });
        }
        if comparison.relation == Relation::Within(0.0) {
            return Err(ParseError { span, kind: ParseErrorKind::NoTolerance });
        }
        Ok(comparison)
    }

    fn tolerance(&mut self) -> Result<f64, ParseError> {
        if !self.take(&Token::Keyword(Keyword::Within)) {
            return Err(self.expected("`within` and a number of percentage points"));
        }
        match self.peek() {
            Some(&Token::Number(tolerance)) => {
                self.next += 1;
                Ok(tolerance)
            }
            _ => Err(self.expected("a number of percentage points")),
        }
    }

    fn sum(&mut self) -> Result<Expression, ParseError> {
        let mut left = self.product()?;
        loop {
            let operator = match self.peek() {
                Some(Token::Sign('+')) => BinaryOperator::Add,
                Some(Token::Sign('-')) => BinaryOperator::Subtract,
                _ => return Ok(left),
            };
            self.next += 1;
            left = Expression::Binary(operator, Box::new(left), Box::new(self.product()?));
        }
    }

    fn product(&mut self) -> Result<Expression, ParseError> {
        let mut left = self.factor()?;
        loop {
            let operator = match self.peek() {
                Some(Token::Sign('*')) => BinaryOperator::Multiply,
                Some(Token::Sign('/')) => BinaryOperator::Divide,
                _ => return Ok(left),
            };
            self.next += 1;
            left = Expression::Binary(operator, Box::new(left), Box::new(self.factor()?));
        }
    }

    fn factor(&mut self) -> Result<Expression, ParseError> {
        let token = self.peek().cloned();
        match token {
            Some(Token::Number(value)) => {
                self.next += 1;
                Ok(Expression::Number(value))
            }
            Some(Token::Name(name)) => match self.function() {
                Some("avg") => Ok(Expression::Average(self.arguments(Self::sum)?)),
                Some("slope") => self.slope(),
                Some(_) => Err(self.error(ParseErrorKind::UnknownFunction { name })),
                None => self.cell(name),
            },
            Some(Token::Sign('|')) => {
                let inner = self.nested(Self::sum)?;
                match self.take(&Token::Sign('|')) {
                    true => Ok(Expression::Absolute(Box::new(inner))),
                    false => Err(self.expected("an operator or `|`")),
                }
            }
            Some(Token::Sign('-')) => {
                let inner = self.nested(Self::factor)?;
                Ok(Expression::Negate(Box::new(inner)))
            }
            Some(Token::Sign('(')) => {
                let inner = self.nested(Self::sum)?;
                if self.take(&Token::Sign(')')) {
                    Ok(inner)
                } else {
                    Err(self.expected("an operator or `)`"))
                }
            }
            _ => Err(self.expected("a cell (`row.column`), a number, a function, `-`, `|` or `(`")),
        }
    }

    /// Steps over an opening sign and parses what it opens.
    fn nested(
        &mut self,
        inner: fn(&mut Self) -> Result<Expression, ParseError>,
    ) -> Result<Expression, ParseError> {
        if self.depth == MAX_DEPTH {
            return Err(self.error(ParseErrorKind::TooDeep));
        }
        self.next += 1;
        self.depth += 1;
        let expression = inner(self)?;
        self.depth -= 1;
        Ok(expression)
    }

    /// The name before an opening parenthesis, if one is next.
    fn function(&self) -> Option<&str> {
        match (self.peek(), self.tokens.get(self.next + 1)) {
            (Some(Token::Name(name)), Some((Token::Sign('('), _))) => Some(name),
            _ => None,
        }
    }

    /// `name(item, item, ..)`.
    fn arguments<T>(
        &mut self,
        item: impl Fn(&mut Self) -> Result<T, ParseError>,
    ) -> Result<Vec<T>, ParseError> {
        if self.depth == MAX_DEPTH {
            return Err(self.error(ParseErrorKind::TooDeep));
        }
        self.depth += 1;
        self.next += 2;
        let mut items = vec![item(self)?];
        while self.take(&Token::Sign(',')) {
            items.push(item(self)?);
        }
        if !self.take(&Token::Sign(')')) {
            return Err(self.expected("`,`, an operator or `)`"));
        }
        self.depth -= 1;
        Ok(items)
    }

    /// `slope(a at 1, b at 2, ..)`.
    fn slope(&mut self) -> Result<Expression, ParseError> {
        let span = self.span();
        let points = self.arguments(|parser| {
            let term = parser.sum()?;
            if !parser.take(&Token::Keyword(Keyword::At)) {
                return Err(parser.expected("an operator, or `at` and a number"));
            }
            match parser.peek() {
                Some(&Token::Number(at)) if at > 0.0 => {
                    parser.next += 1;
                    Ok((term, at))
                }
                Some(Token::Number(_)) => Err(parser.error(ParseErrorKind::NotPositive)),
                _ => Err(parser.expected("a number")),
            }
        })?;
        let at = |kind| Err(ParseError { span, kind });
        match &points[..] {
            [] | [_] => at(ParseErrorKind::TooFew { function: "slope", of: "points" }),
            [(_, first), rest @ ..] if rest.iter().all(|(_, place)| place == first) => {
                at(ParseErrorKind::OnePlace)
            }
            _ => Ok(Expression::Slope(points)),
        }
    }

    /// `ranks(a, b, ..)`: each above the next.
    fn ranks(&mut self) -> Result<Vec<Comparison>, ParseError> {
        let span = self.span();
        let items = self.arguments(Self::sum)?;
        if items.len() < 2 {
            return Err(ParseError {
                span,
                kind: ParseErrorKind::TooFew { function: "ranks", of: "values" },
            });
        }
        let end = self.tokens[self.next - 1].1.end;
        let above = |pair: &[Expression]| {
            let (left, right) = (pair[0].clone(), pair[1].clone());
            let comparison = Comparison { left, relation: Relation::Above, right };
            match comparison.cells().is_empty() {
                true => Err(ParseError { span: Span { end, ..span }, kind: ParseErrorKind::NoCell }),
                false => Ok(comparison),
            }
        };
        items.windows(2).map(above).collect()
    }

    fn cell(&mut self, row: String) -> Result<Expression, ParseError> {
        let row_span = self.span();
        self.next += 1;
        if !self.take(&Token::Sign('.')) {
            return Err(self.expected("`.` and a column after the row"));
        }
        let Some(Token::Name(column)) = self.peek().cloned() else {
            return Err(self.expected("a column (in quotes, if it starts with a digit)"));
        };
        let column_span = self.span();
        self.next += 1;
        if self.peek() == Some(&Token::Sign('.')) {
            let span = column_span;
            return Err(match column.contains('-') {
                true => ParseError { span, kind: ParseErrorKind::MinusInName { name: column } },
                false => self.expected("an operator after the cell"),
            });
        }
        Ok(Expression::Cell(Cell { id: CellId { row, column }, row_span, column_span }))
    }
}

/// `|a - b| < d` and `d > |a - b|` claim what `a ~ b within d` does: all are tested as an equivalence.
fn within(comparison: Comparison) -> Comparison {
    let (inner, tolerance) = match comparison {
        Comparison {
            left: Expression::Absolute(inner),
            relation: Relation::Below | Relation::AtMost,
            right: Expression::Number(tolerance),
        }
        | Comparison {
            left: Expression::Number(tolerance),
            relation: Relation::Above | Relation::AtLeast,
            right: Expression::Absolute(inner),
        } => (inner, tolerance),
        comparison => return comparison,
    };
    let (left, right) = match *inner {
        Expression::Binary(BinaryOperator::Subtract, left, right) => (*left, *right),
        inner => (inner, Expression::Number(0.0)),
    };
    Comparison { left, relation: Relation::Within(tolerance), right }
}
