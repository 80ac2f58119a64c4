DROP INDEX "machines_serial";--> statement-breakpoint
DROP INDEX "machines_reported_serial";--> statement-breakpoint
CREATE INDEX "machines_serial" ON "machines" USING btree (lower(regexp_replace("serial", '\s+', ' ', 'g')));--> statement-breakpoint
CREATE INDEX "machines_reported_serial" ON "machines" USING btree (lower(regexp_replace("facts" ->> 'serial', '\s+', ' ', 'g')));