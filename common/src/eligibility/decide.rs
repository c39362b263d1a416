//! Routes, held against what is known of a person.

use std::collections::BTreeMap;

use super::{Category, Known, Route, Standing, Way};

/// What a person has said so far.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Answers {
    pub category: Option<Answer<Category>>,
    pub component: Option<Answer<String>>,
    /// To the questions of routes, by their text.
    pub said: BTreeMap<String, bool>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer<T> {
    Is(T),
    /// None of what was offered.
    NoneOfThese,
}

/// What comes of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict<'a> {
    Open(&'a Route),
    /// The answer decides.
    Ask(Question<'a>),
    /// The profile names no way for such a person.
    Nothing,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Question<'a> {
    /// Which of these the person is.
    Category(Vec<Category>),
    /// Which of these the person belongs to.
    Component(Vec<&'a str>),
    YesOrNo(&'a str),
}

/// Whether something holds of a person.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Holds {
    No,
    /// A person knows.
    Maybe,
    Yes,
}

/// The first route that fits, or what has to be asked to find it.
pub fn decide<'a>(routes: &'a [Route], standing: &Standing, answers: &Answers) -> Verdict<'a> {
    let person = Person::new(standing, answers);
    for route in routes {
        let (category, component, question) = person.held_against(route);
        if [category, component, question].contains(&Holds::No) {
            continue;
        }
        if category == Holds::Maybe {
            return Verdict::Ask(Question::Category(person.categories(routes)));
        }
        if component == Holds::Maybe {
            return Verdict::Ask(Question::Component(components(routes)));
        }
        return match &route.question {
            Some(text) if question == Holds::Maybe => Verdict::Ask(Question::YesOrNo(text)),
            _ => Verdict::Open(route),
        };
    }
    Verdict::Nothing
}

/// The route that is theirs whatever they answer, unless an earlier one fits too;
/// where no answer would let them register by themselves.
pub fn closed<'a>(routes: &'a [Route], standing: &Standing) -> Option<&'a Route> {
    let answers = Answers::default();
    let person = Person::new(standing, &answers);
    for route in routes {
        let (category, component, question) = person.held_against(route);
        let holds = category.min(component).min(question);
        if holds == Holds::No {
            continue;
        }
        if route.way == Way::Self_ {
            return None;
        }
        if holds == Holds::Yes {
            return Some(route);
        }
    }
    // Of those whom no route names for certain, the portal itself decides.
    None
}

/// What is known, with what was answered.
struct Person<'a> {
    category: Option<Category>,
    /// None of the narrower ones.
    is_no_narrower: bool,
    component: Option<&'a str>,
    has_no_component: bool,
    said: &'a BTreeMap<String, bool>,
}

impl<'a> Person<'a> {
    /// A person makes what the card tells more exact, and does not contradict it.
    fn new(standing: &'a Standing, answers: &'a Answers) -> Self {
        let told = standing.category.as_ref().and_then(Known::if_good).copied();
        let category = match (told, &answers.category) {
            (None, Some(Answer::Is(said))) => Some(*said),
            (Some(told), Some(Answer::Is(said))) if told.includes(*said) => Some(*said),
            (told, _) => told,
        };
        let told = standing.component.as_ref().and_then(Known::if_good);
        let component = match (told, &answers.component) {
            (None, Some(Answer::Is(said))) => Some(said),
            (told, _) => told,
        };
        Self {
            category,
            is_no_narrower: answers.category.is_some(),
            component: component.map(String::as_str),
            has_no_component: answers.component == Some(Answer::NoneOfThese),
            said: &answers.said,
        }
    }

    fn held_against(&self, route: &Route) -> (Holds, Holds, Holds) {
        let categories = route.categories.iter();
        let category = categories.map(|wanted| self.is(*wanted)).max();
        let components = route.components.iter();
        let component = components.map(|wanted| self.is_of(wanted)).max();
        let question = route.question.as_ref().map(|text| self.has_said(text));
        let or_anyone = |holds: Option<Holds>| holds.unwrap_or(Holds::Yes);
        (
            or_anyone(category),
            or_anyone(component),
            or_anyone(question),
        )
    }

    fn is(&self, wanted: Category) -> Holds {
        match self.category {
            Some(category) if wanted.includes(category) => Holds::Yes,
            Some(category) if category.includes(wanted) && !self.is_no_narrower => Holds::Maybe,
            Some(_) => Holds::No,
            None if self.is_no_narrower => Holds::No,
            None => Holds::Maybe,
        }
    }

    fn is_of(&self, wanted: &str) -> Holds {
        match self.component {
            Some(component) if component.eq_ignore_ascii_case(wanted) => Holds::Yes,
            Some(_) => Holds::No,
            None if self.has_no_component => Holds::No,
            None => Holds::Maybe,
        }
    }

    fn has_said(&self, question: &str) -> Holds {
        match self.said.get(question) {
            Some(true) => Holds::Yes,
            Some(false) => Holds::No,
            None => Holds::Maybe,
        }
    }

    /// Those that routes name, and that the person may be.
    fn categories(&self, routes: &[Route]) -> Vec<Category> {
        let mut named: Vec<Category> = routes
            .iter()
            .flat_map(|route| route.categories.iter().copied())
            .filter(|category| self.is(*category) != Holds::No)
            .collect();
        named.sort();
        named.dedup();
        named
    }
}

/// Those that routes name, in their order.
fn components(routes: &[Route]) -> Vec<&str> {
    let mut named: Vec<&str> = Vec::new();
    for component in routes.iter().flat_map(|route| &route.components) {
        if !named.iter().any(|it| it.eq_ignore_ascii_case(component)) {
            named.push(component);
        }
    }
    named
}
