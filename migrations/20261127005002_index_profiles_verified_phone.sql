-- A number is proven for one account at most: for the one that proved it last.
CREATE UNIQUE INDEX profiles_phone_verified_once ON profiles (phone) WHERE phone_verified_at IS NOT NULL;
