-- How scarce its one-time keys are as far as the device was told (core/prekey-scarcity.ts).
ALTER TABLE device ADD COLUMN prekeys_told smallint NOT NULL DEFAULT 0;
