//! What an error of the database means for the batch that met it.

/// The four ways on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// A unique row was there already: sort winners from losers.
    Unique,
    /// The connection is of no use any more, and the batch may have been committed.
    Lost,
    /// The same call may succeed later; nothing was written.
    Transient,
    /// Some row of the batch cannot be stored, and it is not said which.
    Refused,
}

pub(super) fn of(error: &sqlx::Error) -> Fault {
    match error {
        sqlx::Error::Database(database) => of_code(database.code().as_deref().unwrap_or_default()),
        sqlx::Error::Encode(_) | sqlx::Error::Decode(_) | sqlx::Error::ColumnDecode { .. } => Fault::Refused,
        // Everything else concerns the connection.
        _ => Fault::Lost,
    }
}

/// Whether the same may succeed in a moment: the database is away, or too busy. Not so for what is wrong with the
/// statement or with a row.
pub fn may_pass(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::Protocol(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed => true,
        sqlx::Error::Database(_) => matches!(of(error), Fault::Lost | Fault::Transient),
        _ => false,
    }
}

fn of_code(code: &str) -> Fault {
    match code {
        "23505" => Fault::Unique,
        // Shutdown, crash, not yet started, idle session, and a standby that was a primary.
        "57P01" | "57P02" | "57P03" | "57P05" | "25006" => Fault::Lost,
        // Serialisation, deadlock, lock not available, cancelled or timed out.
        "40001" | "40P01" | "55P03" | "57014" => Fault::Transient,
        _ if code.starts_with("08") => Fault::Lost,
        // Out of disk, memory or connections.
        _ if code.starts_with("53") => Fault::Transient,
        _ => Fault::Refused,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_told_apart() {
        for (code, fault) in [
            ("23505", Fault::Unique),
            ("57P01", Fault::Lost),
            ("08006", Fault::Lost),
            ("40001", Fault::Transient),
            ("53100", Fault::Transient),
            ("22P05", Fault::Refused),
            ("22021", Fault::Refused),
            ("23514", Fault::Refused),
        ] {
            assert_eq!(of_code(code), fault, "{code}");
        }
    }

    #[test]
    fn whatever_breaks_the_connection_leaves_the_outcome_open() {
        let broken = sqlx::Error::Io(std::io::ErrorKind::ConnectionReset.into());
        assert_eq!(of(&broken), Fault::Lost);
        assert_eq!(of(&sqlx::Error::Protocol("half a message".to_owned())), Fault::Lost);
        assert!(may_pass(&broken) && may_pass(&sqlx::Error::PoolTimedOut));
        assert!(!may_pass(&sqlx::Error::RowNotFound));
    }
}
