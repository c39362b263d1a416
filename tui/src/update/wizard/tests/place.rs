//! At which portal it begins.

use cac_common::interface::PortalDetails;
use cac_common::registration::RegistrationStatus;

use super::*;

#[test]
fn where_no_portal_is_picked_the_first_that_waits_and_has_steps_is() {
    let mut app = at_the_desk(None);
    app.registration = None;
    let mut desk = invented::desk();
    let registrations = &mut desk.readers[2].card.as_mut().unwrap().registrations;
    let statuses = [
        RegistrationStatus::SigningIn,
        RegistrationStatus::NotFound,
        RegistrationStatus::NeedsWizard,
    ];
    let first = registrations[0].clone();
    registrations.resize(3, first);
    for (at, status) in statuses.into_iter().enumerate() {
        registrations[at].portal = format!("portal-{at}");
        registrations[at].status = status;
    }
    show(&mut app, desk);
    let without_steps = |portal: &str| Message::Profile {
        of: portal.into(),
        profile: Ok(Box::new(PortalDetails {
            name: portal.into(),
            title: portal.into(),
            wizard: Vec::new(),
            ..invented::ako()
        })),
    };

    let first = press(&mut app, Command::Wizard);
    let second = update(&mut app, without_steps("portal-2"));
    let said = said(&app).to_owned();
    update(&mut app, without_steps("portal-1"));

    assert_eq!(first, Some(Action::LoadProfile("portal-2".into())));
    assert_eq!(second, Some(Action::LoadProfile("portal-1".into())));
    assert!(said.contains("portal-2 has no steps"), "{said}");
    assert_eq!(press(&mut app, Command::Yes), None);
}

#[test]
fn where_one_is_picked_or_none_waits_it_is_the_one_under_the_cursor() {
    let mut app = at_the_desk(None);
    let mut desk = invented::desk();
    let registrations = &mut desk.readers[2].card.as_mut().unwrap().registrations;
    registrations[1].status = RegistrationStatus::NeedsWizard;
    let (first, second) = (
        registrations[0].portal.clone(),
        registrations[1].portal.clone(),
    );
    show(&mut app, desk.clone());

    app.registration = Some(first.clone());
    let picked = press(&mut app, Command::Wizard);
    press(&mut app, Command::Back);
    app.registration = None;
    let waiting = press(&mut app, Command::Wizard);
    press(&mut app, Command::Back);
    let registrations = &mut desk.readers[2].card.as_mut().unwrap().registrations;
    registrations.retain(|one| matches!(one.status, RegistrationStatus::Registered { .. }));
    show(&mut app, desk);
    let none_waits = press(&mut app, Command::Wizard);

    assert_eq!(picked, Some(Action::LoadProfile(first.clone())));
    assert_eq!(waiting, Some(Action::LoadProfile(second)));
    assert_eq!(none_waits, Some(Action::LoadProfile(first)));
}
