//! What comes once all steps are done.

use super::*;

#[test]
fn at_the_end_the_confirmation_is_fetched_once_and_outlives_the_card() {
    let mut app = following(invented::wizard("ako", WizardState::Working));

    let fetched = show(&mut app, with(invented::wizard("ako", done(true))));
    let again = show(&mut app, with(invented::wizard("ako", done(true))));
    keep(&mut app);
    show(&mut app, invented::nothing_plugged_in());

    let request = GetConfirmation {
        card: card_id(),
        portal: "ako".into(),
    };
    assert_eq!(fetched, Some(Action::LoadConfirmation(request)));
    assert_eq!(again, None);
    assert_eq!(app.mode(), Mode::Shown);
}

#[test]
fn an_end_that_was_seen_is_put_away() {
    for has_confirmation in [true, false] {
        let mut app = following(invented::wizard("ako", done(has_confirmation)));
        if has_confirmation {
            keep(&mut app);
        }

        let action = press(&mut app, Command::Open);

        assert_eq!(action, Some(Action::MoveWizard(moved_to(3, Move::Stop))));
        assert_eq!(app.screen, Screen::Panes);
    }
}

#[test]
fn the_confirmation_is_saved_where_it_is_said_and_as_its_name_says() {
    let mut app = following(invented::wizard("ako", done(true)));
    keep(&mut app);
    press(&mut app, Command::Save);

    let text = press(&mut app, Command::Open);
    update(&mut app, Message::Stroke(Stroke::EraseLetters));
    type_in(&mut app, "/tmp/it.html");
    let page = press(&mut app, Command::Open);
    update(&mut app, Message::Saved(Ok("/tmp/it.html".into())));

    let confirmation = invented::confirmation();
    let saves = |file: &str, contents: String| {
        Some(Action::Save {
            file: file.into(),
            contents,
        })
    };
    let written = confirmation::text(&confirmation);
    assert_eq!(text, saves("~/cac-ako-confirmation.txt", written));
    assert_eq!(page, saves("/tmp/it.html", confirmation.html));
    assert_eq!(app.mode(), Mode::Shown);
    assert_eq!(said(&app), "Saved to /tmp/it.html.");
}

#[test]
fn a_name_that_cannot_be_written_to_can_be_mended() {
    let mut app = following(invented::wizard("ako", done(true)));
    keep(&mut app);
    press(&mut app, Command::Save);

    update(&mut app, Message::Saved(Err(trouble())));

    assert_eq!(app.mode(), Mode::FileName);
    assert_eq!(said(&app), "no");
}

#[test]
fn the_confirmation_is_printed() {
    let mut app = following(invented::wizard("ako", done(true)));
    keep(&mut app);

    let action = press(&mut app, Command::Print);
    update(&mut app, Message::Printed(Ok("request id is PDF-1".into())));

    let text = confirmation::text(&invented::confirmation());
    assert_eq!(action, Some(Action::Print(text)));
    assert!(said(&app).contains("PDF-1"));
}

#[test]
fn the_confirmation_of_the_last_time_is_shown_before_the_next() {
    let mut app = at_the_desk(None);
    press(&mut app, Command::Wizard);

    let action = press(&mut app, Command::Kept);
    update(&mut app, Message::Kept(Ok(None)));
    let none = said(&app).to_owned();
    keep(&mut app);

    assert!(matches!(action, Some(Action::LoadConfirmation(_))));
    assert!(none.contains("No confirmation"), "{none}");
    assert_eq!(app.mode(), Mode::Offer, "it was not asked for again");
    assert_eq!(press(&mut app, Command::Kept), None);
    assert_eq!(app.mode(), Mode::Shown);
    assert_eq!(press(&mut app, Command::Back), None);
}

#[test]
fn where_no_confirmation_is_kept_none_is_offered() {
    let mut app = at_the_desk(None);
    press(&mut app, Command::Wizard);
    let profile = Message::Profile {
        of: "ako".into(),
        profile: Ok(Box::new(invented::ako())),
    };

    let asked = update(&mut app, profile);
    let before = crate::possible::why_not(&app, Command::Kept);
    update(&mut app, Message::Kept(Ok(None)));
    let after = crate::possible::why_not(&app, Command::Kept);

    assert!(matches!(asked, Some(Action::LoadConfirmation(_))));
    assert_eq!(before, None);
    assert!(after.is_some_and(|why| why.contains("No confirmation is kept")));
    assert_eq!(press(&mut app, Command::Kept), None);
    assert_eq!(app.mode(), Mode::Offer);
}
