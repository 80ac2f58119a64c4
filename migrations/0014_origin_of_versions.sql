ALTER TABLE "image_versions" ADD COLUMN "recipe" text;--> statement-breakpoint
ALTER TABLE "image_versions" ADD COLUMN "recipe_version" text;--> statement-breakpoint
ALTER TABLE "imports" ADD COLUMN "bytes_per_second" bigint;--> statement-breakpoint
-- Earlier versions recorded the recipe only in the words of the source.
UPDATE "image_versions" SET "recipe" = split_part("source", ' ', 2), "recipe_version" = nullif(split_part("source", ' ', 3), '') WHERE "source" LIKE 'recipe %';
