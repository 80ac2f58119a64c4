DROP INDEX "machines_seen";--> statement-breakpoint
CREATE INDEX "machines_seen" ON "machines" USING btree ("last_seen_at" DESC NULLS LAST,"id" DESC NULLS FIRST);