CREATE TABLE "early_reports" (
	"id" uuid PRIMARY KEY NOT NULL,
	"seq" bigserial NOT NULL,
	"boot_id" uuid NOT NULL,
	"seen" text NOT NULL,
	"ip" text NOT NULL,
	"message" text,
	"at" timestamp (3) with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "journal_runs" (
	"run" uuid PRIMARY KEY NOT NULL,
	"position" bigint NOT NULL,
	"at" timestamp (3) with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
ALTER TABLE "boots" DROP CONSTRAINT "boots_token_hash_unique";--> statement-breakpoint
CREATE INDEX "early_reports_boot" ON "early_reports" USING btree ("boot_id");--> statement-breakpoint
ALTER TABLE "boots" DROP COLUMN "token_hash";