ALTER TABLE "boot_events" ADD COLUMN "kind" text;--> statement-breakpoint
ALTER TABLE "boot_events" ADD COLUMN "client" text;