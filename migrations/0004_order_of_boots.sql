DROP INDEX "boots_machine";--> statement-breakpoint
DROP INDEX "deployments_machine";--> statement-breakpoint
DROP INDEX "deployments_state";--> statement-breakpoint
DROP INDEX "imports_open";--> statement-breakpoint
ALTER TABLE "boots" ADD COLUMN "seq" bigserial NOT NULL;--> statement-breakpoint
ALTER TABLE "boots" ADD COLUMN "progress" text;--> statement-breakpoint
ALTER TABLE "boots" ADD COLUMN "heard_at" timestamp (3) with time zone;--> statement-breakpoint
ALTER TABLE "deployments" ADD COLUMN "seq" bigserial NOT NULL;--> statement-breakpoint
ALTER TABLE "deployments" ADD COLUMN "version" integer;--> statement-breakpoint
ALTER TABLE "deployments" ADD COLUMN "batch" uuid;--> statement-breakpoint
ALTER TABLE "imports" ADD COLUMN "seq" bigserial NOT NULL;--> statement-breakpoint
UPDATE "boots" SET "seq" = o.n FROM (SELECT id, row_number() OVER (ORDER BY started_at, id) AS n FROM "boots") AS o WHERE o.id = "boots".id;--> statement-breakpoint
UPDATE "deployments" SET "seq" = o.n FROM (SELECT id, row_number() OVER (ORDER BY created_at, id) AS n FROM "deployments") AS o WHERE o.id = "deployments".id;--> statement-breakpoint
UPDATE "imports" SET "seq" = o.n FROM (SELECT id, row_number() OVER (ORDER BY created_at, id) AS n FROM "imports") AS o WHERE o.id = "imports".id;--> statement-breakpoint
CREATE INDEX "boots_order" ON "boots" USING btree ("seq");--> statement-breakpoint
CREATE INDEX "deployments_order" ON "deployments" USING btree ("seq");--> statement-breakpoint
CREATE INDEX "deployments_batch" ON "deployments" USING btree ("batch");--> statement-breakpoint
CREATE INDEX "boots_machine" ON "boots" USING btree ("machine_id","seq");--> statement-breakpoint
CREATE INDEX "deployments_machine" ON "deployments" USING btree ("machine_id","seq");--> statement-breakpoint
CREATE INDEX "deployments_state" ON "deployments" USING btree ("state","seq");--> statement-breakpoint
CREATE INDEX "imports_open" ON "imports" USING btree ("seq") WHERE "imports"."ended_at" is null;