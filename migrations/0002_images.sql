CREATE TABLE "imports" (
	"id" uuid PRIMARY KEY NOT NULL,
	"image" text,
	"plan" jsonb NOT NULL,
	"state" text NOT NULL,
	"doing" text DEFAULT '' NOT NULL,
	"done_bytes" bigint DEFAULT 0 NOT NULL,
	"total_bytes" bigint,
	"message" text,
	"version" integer,
	"actor" text NOT NULL,
	"server" text NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"ended_at" timestamp (3) with time zone
);
--> statement-breakpoint
ALTER TABLE "files" ADD COLUMN "checked_at" timestamp (3) with time zone;--> statement-breakpoint
ALTER TABLE "files" ADD COLUMN "damage" text;--> statement-breakpoint
ALTER TABLE "image_versions" ADD COLUMN "source" text;--> statement-breakpoint
ALTER TABLE "images" ADD COLUMN "end_of_life" date;--> statement-breakpoint
CREATE INDEX "imports_open" ON "imports" USING btree ("id") WHERE "imports"."ended_at" is null;--> statement-breakpoint
CREATE TRIGGER catalog_files_damage AFTER UPDATE OF "damage" ON "files" FOR EACH STATEMENT EXECUTE FUNCTION count_catalog();
