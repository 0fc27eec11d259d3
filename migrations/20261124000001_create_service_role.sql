-- The service works under a role that owns nothing, so that not even a stolen connection can alter what was recorded.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'polikrami_service') THEN
        BEGIN
            CREATE ROLE polikrami_service NOLOGIN;
        EXCEPTION
            -- Another database of the same cluster is being migrated at the same moment: roles are shared.
            WHEN duplicate_object OR unique_violation THEN NULL;
            WHEN insufficient_privilege THEN
                RAISE EXCEPTION 'role polikrami_service does not exist and % may not create it', current_user
                    USING ERRCODE = 'insufficient_privilege',
                          HINT = 'As an administrator: CREATE ROLE polikrami_service NOLOGIN; '
                              || format('GRANT polikrami_service TO %I;', current_user);
        END;
    END IF;
    -- A superuser may take any role; granting would only race with other databases of the cluster.
    IF NOT (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) THEN
        BEGIN
            GRANT polikrami_service TO CURRENT_USER;
        EXCEPTION
            WHEN insufficient_privilege THEN
                IF NOT pg_has_role(current_user, 'polikrami_service', 'MEMBER') THEN
                    RAISE EXCEPTION '% is not a member of polikrami_service and may not become one', current_user
                        USING ERRCODE = 'insufficient_privilege',
                              HINT = format('As an administrator: GRANT polikrami_service TO %I;', current_user);
                END IF;
        END;
    END IF;
END
$$;

DO $$
BEGIN
    EXECUTE format('GRANT USAGE ON SCHEMA %I TO polikrami_service', current_schema());
END
$$;
