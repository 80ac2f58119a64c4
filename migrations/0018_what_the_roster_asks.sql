CREATE TABLE "roster_changes" (
	"xid" "xid8" DEFAULT pg_current_xact_id() NOT NULL,
	"kind" text NOT NULL,
	"key" text NOT NULL,
	"hostnames" text[]
);
--> statement-breakpoint
CREATE TABLE "roster_horizon" (
	"id" integer PRIMARY KEY NOT NULL,
	"deleted" "pg_snapshot" NOT NULL,
	"marked" "pg_snapshot" NOT NULL,
	"marked_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "roster_horizon_one_row" CHECK ("roster_horizon"."id" = 1)
);
--> statement-breakpoint
CREATE INDEX "roster_changes_xid" ON "roster_changes" USING btree ("xid");--> statement-breakpoint
CREATE INDEX "boots_answered" ON "boots" USING btree ("seq") WHERE ("boots"."deployment_id" is not null or "boots"."decision" ? 'answerFile') and ("boots"."outcome" is null or "boots"."outcome" in ('stalled', 'superseded'));--> statement-breakpoint
INSERT INTO "roster_horizon" ("id", "deleted", "marked") VALUES (1, pg_current_snapshot(), pg_current_snapshot());--> statement-breakpoint
CREATE FUNCTION note_all() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO roster_changes (kind, key) VALUES ('all', TG_TABLE_NAME);
  RETURN NULL;
END $$;--> statement-breakpoint
CREATE TRIGGER roster_machines_all AFTER TRUNCATE ON "machines" FOR EACH STATEMENT EXECUTE FUNCTION note_all();--> statement-breakpoint
CREATE TRIGGER roster_macs_all AFTER TRUNCATE ON "machine_macs" FOR EACH STATEMENT EXECUTE FUNCTION note_all();--> statement-breakpoint
CREATE TRIGGER roster_claims_all AFTER TRUNCATE ON "identity_claims" FOR EACH STATEMENT EXECUTE FUNCTION note_all();--> statement-breakpoint
CREATE TRIGGER roster_deployments_all AFTER TRUNCATE ON "deployments" FOR EACH STATEMENT EXECUTE FUNCTION note_all();--> statement-breakpoint
CREATE TRIGGER roster_secrets_all AFTER TRUNCATE ON "secrets" FOR EACH STATEMENT EXECUTE FUNCTION note_all();--> statement-breakpoint
CREATE TRIGGER roster_boots_all AFTER TRUNCATE ON "boots" FOR EACH STATEMENT EXECUTE FUNCTION note_all();--> statement-breakpoint
CREATE FUNCTION note_machines() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO roster_changes (kind, key, hostnames)
    SELECT 'machine', id::text, CASE WHEN hostname IS NOT NULL THEN ARRAY[hostname] END FROM touched;
  RETURN NULL;
END $$;--> statement-breakpoint
CREATE TRIGGER roster_machine_added AFTER INSERT ON "machines" REFERENCING NEW TABLE AS touched FOR EACH STATEMENT EXECUTE FUNCTION note_machines();--> statement-breakpoint
CREATE TRIGGER roster_machine_removed AFTER DELETE ON "machines" REFERENCING OLD TABLE AS touched FOR EACH STATEMENT EXECUTE FUNCTION note_machines();--> statement-breakpoint
CREATE FUNCTION note_machine() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO roster_changes (kind, key, hostnames) VALUES ('machine', NEW.id::text,
    CASE WHEN OLD.hostname IS DISTINCT FROM NEW.hostname THEN array_remove(ARRAY[OLD.hostname, NEW.hostname], NULL) END);
  RETURN NULL;
END $$;--> statement-breakpoint
-- For each row, because the condition costs less than a table of all rows: each boot updates its machine, and seldom changes these columns.
CREATE TRIGGER roster_machine_changed AFTER UPDATE OF "discovered", "denied", "hostname", "serial", "product", "asset", "uuid", "labels", "assignment", "facts" ON "machines" FOR EACH ROW
  WHEN ((OLD.discovered, OLD.denied, OLD.hostname, OLD.serial, OLD.product, OLD.asset, OLD.uuid, OLD.labels, OLD.assignment, OLD.facts)
    IS DISTINCT FROM (NEW.discovered, NEW.denied, NEW.hostname, NEW.serial, NEW.product, NEW.asset, NEW.uuid, NEW.labels, NEW.assignment, NEW.facts))
  EXECUTE FUNCTION note_machine();--> statement-breakpoint
CREATE FUNCTION note_owners() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO roster_changes (kind, key) SELECT DISTINCT 'machine', machine_id::text FROM touched;
  RETURN NULL;
END $$;--> statement-breakpoint
CREATE FUNCTION note_both_owners() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO roster_changes (kind, key)
    SELECT 'machine', machine_id::text FROM (SELECT machine_id FROM before UNION SELECT machine_id FROM after) AS touched;
  RETURN NULL;
END $$;--> statement-breakpoint
CREATE TRIGGER roster_mac_added AFTER INSERT ON "machine_macs" REFERENCING NEW TABLE AS touched FOR EACH STATEMENT EXECUTE FUNCTION note_owners();--> statement-breakpoint
CREATE TRIGGER roster_mac_removed AFTER DELETE ON "machine_macs" REFERENCING OLD TABLE AS touched FOR EACH STATEMENT EXECUTE FUNCTION note_owners();--> statement-breakpoint
CREATE TRIGGER roster_mac_moved AFTER UPDATE ON "machine_macs" REFERENCING OLD TABLE AS before NEW TABLE AS after FOR EACH STATEMENT EXECUTE FUNCTION note_both_owners();--> statement-breakpoint
CREATE TRIGGER roster_claim_added AFTER INSERT ON "identity_claims" REFERENCING NEW TABLE AS touched FOR EACH STATEMENT EXECUTE FUNCTION note_owners();--> statement-breakpoint
CREATE TRIGGER roster_claim_removed AFTER DELETE ON "identity_claims" REFERENCING OLD TABLE AS touched FOR EACH STATEMENT EXECUTE FUNCTION note_owners();--> statement-breakpoint
CREATE TRIGGER roster_claim_changed AFTER UPDATE ON "identity_claims" REFERENCING OLD TABLE AS before NEW TABLE AS after FOR EACH STATEMENT EXECUTE FUNCTION note_both_owners();--> statement-breakpoint
CREATE TRIGGER roster_deployment_added AFTER INSERT ON "deployments" REFERENCING NEW TABLE AS touched FOR EACH STATEMENT EXECUTE FUNCTION note_owners();--> statement-breakpoint
CREATE TRIGGER roster_deployment_removed AFTER DELETE ON "deployments" REFERENCING OLD TABLE AS touched FOR EACH STATEMENT EXECUTE FUNCTION note_owners();--> statement-breakpoint
CREATE TRIGGER roster_deployment_changed AFTER UPDATE ON "deployments" REFERENCING OLD TABLE AS before NEW TABLE AS after FOR EACH STATEMENT EXECUTE FUNCTION note_both_owners();--> statement-breakpoint
-- Secrets of groups are a part of the catalog.
CREATE FUNCTION note_secrets() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO roster_changes (kind, key) SELECT DISTINCT 'machine', owner FROM touched WHERE owner_kind = 'machine';
  UPDATE catalog SET revision = revision + 1 WHERE EXISTS (SELECT 1 FROM touched WHERE owner_kind = 'group');
  RETURN NULL;
END $$;--> statement-breakpoint
CREATE FUNCTION note_changed_secrets() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO roster_changes (kind, key)
    SELECT 'machine', owner FROM (SELECT owner_kind, owner FROM before UNION SELECT owner_kind, owner FROM after) AS touched WHERE owner_kind = 'machine';
  UPDATE catalog SET revision = revision + 1
    WHERE EXISTS (SELECT 1 FROM before WHERE owner_kind = 'group') OR EXISTS (SELECT 1 FROM after WHERE owner_kind = 'group');
  RETURN NULL;
END $$;--> statement-breakpoint
CREATE TRIGGER roster_secret_added AFTER INSERT ON "secrets" REFERENCING NEW TABLE AS touched FOR EACH STATEMENT EXECUTE FUNCTION note_secrets();--> statement-breakpoint
CREATE TRIGGER roster_secret_removed AFTER DELETE ON "secrets" REFERENCING OLD TABLE AS touched FOR EACH STATEMENT EXECUTE FUNCTION note_secrets();--> statement-breakpoint
CREATE TRIGGER roster_secret_changed AFTER UPDATE ON "secrets" REFERENCING OLD TABLE AS before NEW TABLE AS after FOR EACH STATEMENT EXECUTE FUNCTION note_changed_secrets();--> statement-breakpoint
CREATE TRIGGER catalog_secrets AFTER TRUNCATE ON "secrets" FOR EACH STATEMENT EXECUTE FUNCTION count_catalog();--> statement-breakpoint
CREATE FUNCTION count_damage() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE catalog SET revision = revision + 1 WHERE EXISTS (SELECT 1 FROM touched WHERE damage IS NOT NULL);
  RETURN NULL;
END $$;--> statement-breakpoint
CREATE TRIGGER catalog_files_added AFTER INSERT ON "files" REFERENCING NEW TABLE AS touched FOR EACH STATEMENT EXECUTE FUNCTION count_damage();--> statement-breakpoint
CREATE TRIGGER catalog_files_removed AFTER DELETE ON "files" REFERENCING OLD TABLE AS touched FOR EACH STATEMENT EXECUTE FUNCTION count_damage();--> statement-breakpoint
CREATE TRIGGER catalog_files_truncated AFTER TRUNCATE ON "files" FOR EACH STATEMENT EXECUTE FUNCTION count_catalog();--> statement-breakpoint
-- Boots that install or have an answer file: while the database is away, servers answer them from memory.
CREATE FUNCTION note_boot() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO roster_changes (kind, key) VALUES ('boot', coalesce(NEW.id, OLD.id)::text);
  RETURN NULL;
END $$;--> statement-breakpoint
CREATE TRIGGER roster_boot_added AFTER INSERT ON "boots" FOR EACH ROW
  WHEN (NEW.deployment_id IS NOT NULL OR NEW.decision ? 'answerFile') EXECUTE FUNCTION note_boot();--> statement-breakpoint
CREATE TRIGGER roster_boot_changed AFTER UPDATE ON "boots" FOR EACH ROW
  WHEN ((OLD.outcome, OLD.progressed, OLD.machine_id, OLD.deployment_id) IS DISTINCT FROM (NEW.outcome, NEW.progressed, NEW.machine_id, NEW.deployment_id)
    AND (OLD.deployment_id IS NOT NULL OR NEW.deployment_id IS NOT NULL OR NEW.decision ? 'answerFile'))
  EXECUTE FUNCTION note_boot();--> statement-breakpoint
CREATE TRIGGER roster_boot_removed AFTER DELETE ON "boots" FOR EACH ROW
  WHEN (OLD.started_at > now() - interval '48 hours' AND (OLD.deployment_id IS NOT NULL OR OLD.decision ? 'answerFile')) EXECUTE FUNCTION note_boot();--> statement-breakpoint
-- A newer boot that goes past its script overtakes the older boots of its machine.
CREATE FUNCTION note_overtaken() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO roster_changes (kind, key)
    SELECT 'boot', id::text FROM boots
    WHERE machine_id = NEW.machine_id AND seq < NEW.seq AND ip = NEW.ip AND started_at > now() - interval '48 hours'
      AND (outcome IS NULL OR outcome IN ('stalled', 'superseded')) AND (deployment_id IS NOT NULL OR decision ? 'answerFile');
  RETURN NULL;
END $$;--> statement-breakpoint
CREATE TRIGGER roster_boot_progressed AFTER UPDATE ON "boots" FOR EACH ROW
  WHEN (NEW.progressed AND NOT OLD.progressed AND NEW.machine_id IS NOT NULL) EXECUTE FUNCTION note_overtaken();
