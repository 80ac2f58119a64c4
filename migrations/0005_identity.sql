CREATE TABLE "identity_claims" (
	"machine_id" uuid NOT NULL,
	"mac" text NOT NULL,
	"facts" jsonb NOT NULL,
	"at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "identity_claims_machine_id_mac_pk" PRIMARY KEY("machine_id","mac")
);
--> statement-breakpoint
ALTER TABLE "machines" ADD COLUMN "discovered_from" text DEFAULT '' NOT NULL;--> statement-breakpoint
ALTER TABLE "identity_claims" ADD CONSTRAINT "identity_claims_machine_id_machines_id_fk" FOREIGN KEY ("machine_id") REFERENCES "public"."machines"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "machines_reported_uuid" ON "machines" USING btree (("facts" ->> 'uuid'));--> statement-breakpoint
CREATE INDEX "machines_reported_serial" ON "machines" USING btree (("facts" ->> 'serial'));--> statement-breakpoint
CREATE INDEX "machines_discovered" ON "machines" USING btree ("discovered_from","last_seen_at") WHERE "machines"."discovered";--> statement-breakpoint
CREATE FUNCTION forget_claims_of_macs() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  DELETE FROM identity_claims WHERE machine_id IN (SELECT machine_id FROM touched);
  RETURN NULL;
END $$;--> statement-breakpoint
CREATE TRIGGER claims_mac_added AFTER INSERT ON "machine_macs" REFERENCING NEW TABLE AS touched FOR EACH STATEMENT EXECUTE FUNCTION forget_claims_of_macs();--> statement-breakpoint
CREATE TRIGGER claims_mac_removed AFTER DELETE ON "machine_macs" REFERENCING OLD TABLE AS touched FOR EACH STATEMENT EXECUTE FUNCTION forget_claims_of_macs();--> statement-breakpoint
CREATE FUNCTION forget_claims() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  DELETE FROM identity_claims WHERE machine_id = NEW.id;
  RETURN NULL;
END $$;--> statement-breakpoint
CREATE TRIGGER claims_key_changed AFTER UPDATE OF "uuid", "serial", "product" ON "machines" FOR EACH ROW
  WHEN (OLD.uuid IS DISTINCT FROM NEW.uuid OR OLD.serial IS DISTINCT FROM NEW.serial OR OLD.product IS DISTINCT FROM NEW.product)
  EXECUTE FUNCTION forget_claims();--> statement-breakpoint
-- These columns held what a machine reported when it was discovered, also after it was entered: that is no key. Every such
-- machine has a MAC, and its facts keep the values.
UPDATE "machines" SET "uuid" = NULL, "serial" = NULL, "product" = NULL WHERE "discovered";--> statement-breakpoint
UPDATE "machines" SET
    "uuid" = CASE WHEN lower(seen.facts ->> 'uuid') = "machines"."uuid" THEN NULL ELSE "machines"."uuid" END,
    "serial" = CASE WHEN trim(seen.facts ->> 'serial') = "machines"."serial" THEN NULL ELSE "machines"."serial" END,
    "product" = CASE WHEN trim(seen.facts ->> 'product') = "machines"."product" THEN NULL ELSE "machines"."product" END
  FROM (SELECT "subject", "after" -> 'facts' AS facts FROM "changes" WHERE "type" = 'machine.discovered') AS seen
  WHERE seen."subject" = "machines"."id"::text;
