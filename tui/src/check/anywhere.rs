//! What any check can come to, whatever it looks at.

use super::outcome::outcomes;

outcomes! {
    any {
        AFTER_RUNNING: Outcome::running("after: {check}");
        AFTER_FAILED: Outcome::not_applicable("after: {check}");
        NOTHING: Outcome::unknown("nothing is known of it");
        LOOKED_UP: Outcome::running("it is being looked up");
        BROKE: Outcome::unknown("cacctl failed in looking it up");
        NO_ANSWER: Outcome::unknown("no answer within {seconds} s");
        NOT_IN_TIME: Outcome::unknown("not known in time; {what}");
    }
}
