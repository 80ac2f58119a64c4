DROP INDEX "deployments_batch";--> statement-breakpoint
CREATE INDEX "boot_events_stray" ON "boot_events" USING btree ("at") WHERE "boot_events"."boot_id" is null;--> statement-breakpoint
CREATE INDEX "boots_stalled" ON "boots" USING btree ("moved_at") WHERE "boots"."outcome" = 'stalled';--> statement-breakpoint
CREATE INDEX "boots_started" ON "boots" USING btree ("started_at","outcome","image");--> statement-breakpoint
CREATE INDEX "deployments_running" ON "deployments" USING btree ("batch","seq") WHERE "deployments"."state" in ('armed', 'started', 'installing');--> statement-breakpoint
CREATE INDEX "deployments_batch" ON "deployments" USING btree ("batch","state");