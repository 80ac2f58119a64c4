ALTER TABLE "files" ADD COLUMN "damage_kind" text;--> statement-breakpoint
-- Earlier versions recorded only these words.
UPDATE "files" SET "damage_kind" = CASE WHEN "damage" LIKE 'the file is missing in the store%' THEN 'missing' ELSE 'changed' END WHERE "damage" IS NOT NULL;
