DROP INDEX "machines_uuid";--> statement-breakpoint
DROP INDEX "machines_serial";--> statement-breakpoint
DROP INDEX "machines_reported_uuid";--> statement-breakpoint
DROP INDEX "machines_reported_serial";--> statement-breakpoint
CREATE INDEX "machines_uuid" ON "machines" USING btree ("uuid","discovered","id");--> statement-breakpoint
CREATE INDEX "machines_serial" ON "machines" USING btree (lower(regexp_replace("serial", '\s+', ' ', 'g')),lower(regexp_replace("product", '\s+', ' ', 'g')),"discovered","id");--> statement-breakpoint
CREATE INDEX "machines_reported_uuid" ON "machines" USING btree (("facts" ->> 'uuid'),"discovered","id");--> statement-breakpoint
CREATE INDEX "machines_reported_serial" ON "machines" USING btree (lower(regexp_replace("facts" ->> 'serial', '\s+', ' ', 'g')),lower(regexp_replace("facts" ->> 'product', '\s+', ' ', 'g')),"discovered","id");