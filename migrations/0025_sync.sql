CREATE TABLE "archived_machines" (
	"id" uuid PRIMARY KEY NOT NULL,
	"name" text NOT NULL,
	"macs" jsonb NOT NULL,
	"sources" jsonb NOT NULL,
	"machine" jsonb NOT NULL,
	"kept" jsonb NOT NULL,
	"boots" jsonb NOT NULL,
	"archived_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"archived_by" text NOT NULL,
	"reason" text NOT NULL
);
--> statement-breakpoint
CREATE TABLE "machine_sources" (
	"owner" text NOT NULL,
	"machine_id" uuid NOT NULL,
	"external_id" text,
	CONSTRAINT "machine_sources_owner_machine_id_pk" PRIMARY KEY("owner","machine_id")
);
--> statement-breakpoint
ALTER TABLE "machines" ADD COLUMN "expected_by" text;--> statement-breakpoint
ALTER TABLE "machines" ADD COLUMN "owners" jsonb DEFAULT '{}'::jsonb NOT NULL;--> statement-breakpoint
ALTER TABLE "machine_sources" ADD CONSTRAINT "machine_sources_machine_id_machines_id_fk" FOREIGN KEY ("machine_id") REFERENCES "public"."machines"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "archived_machines_at" ON "archived_machines" USING btree ("archived_at");--> statement-breakpoint
CREATE INDEX "archived_machines_macs" ON "archived_machines" USING gin ("macs");--> statement-breakpoint
CREATE INDEX "archived_machines_sources" ON "archived_machines" USING gin ("sources" jsonb_path_ops);--> statement-breakpoint
CREATE UNIQUE INDEX "machine_sources_external" ON "machine_sources" USING btree ("owner","external_id");--> statement-breakpoint
CREATE INDEX "machine_sources_machine" ON "machine_sources" USING btree ("machine_id");--> statement-breakpoint
-- The catalog has the MACs and UUIDs of archived machines.
CREATE TRIGGER catalog_archived_machines AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON "archived_machines" FOR EACH STATEMENT EXECUTE FUNCTION count_catalog();
