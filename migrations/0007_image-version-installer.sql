ALTER TABLE "image_versions" ADD COLUMN "installer" boolean;--> statement-breakpoint
UPDATE "image_versions" SET "installer" = "images"."installer" FROM "images" WHERE "images"."name" = "image_versions"."image";--> statement-breakpoint
ALTER TABLE "images" DROP COLUMN "installer";
