CREATE TABLE "foreign_servers" (
	"id" uuid PRIMARY KEY NOT NULL,
	"address" text NOT NULL,
	"role" text NOT NULL,
	"interface" text DEFAULT '' NOT NULL,
	"evidence" text NOT NULL,
	"mac" text,
	"vendor" text,
	"file" text,
	"client" text,
	"count" bigint DEFAULT 1 NOT NULL,
	"first_seen_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"last_seen_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"acknowledged_at" timestamp (3) with time zone,
	"acknowledged_by" text,
	"note" text
);
--> statement-breakpoint
ALTER TABLE "boot_events" ADD COLUMN "mac" text;--> statement-breakpoint
CREATE UNIQUE INDEX "foreign_servers_key" ON "foreign_servers" USING btree ("address","role","interface");--> statement-breakpoint
CREATE INDEX "foreign_servers_seen" ON "foreign_servers" USING btree ("last_seen_at");--> statement-breakpoint
CREATE INDEX "boot_events_mac" ON "boot_events" USING btree ("mac","at") WHERE "boot_events"."boot_id" is null and "boot_events"."mac" is not null;--> statement-breakpoint
CREATE INDEX "boots_ip" ON "boots" USING btree ("ip","seq");--> statement-breakpoint
CREATE INDEX "boots_mac" ON "boots" USING btree ("mac","seq") WHERE "boots"."machine_id" is null;