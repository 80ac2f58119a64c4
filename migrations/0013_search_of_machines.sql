CREATE TABLE "machine_search" (
	"machine_id" uuid PRIMARY KEY NOT NULL,
	"words" text NOT NULL,
	"macs" text NOT NULL,
	"uuids" text NOT NULL,
	"traits" text NOT NULL
);
--> statement-breakpoint
ALTER TABLE "machine_search" ADD CONSTRAINT "machine_search_machine_id_machines_id_fk" FOREIGN KEY ("machine_id") REFERENCES "public"."machines"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "boots_unwell" ON "boots" USING btree ("outcome","machine_id") WHERE "boots"."outcome" in ('failed', 'stalled');--> statement-breakpoint
CREATE INDEX "machines_seen" ON "machines" USING btree ("last_seen_at" DESC NULLS LAST,"id" DESC NULLS LAST);
--> statement-breakpoint
CREATE FUNCTION search_words(m "machines") RETURNS text LANGUAGE sql STABLE AS $$
  SELECT E'\n' || lower(concat_ws(E'\n',
    coalesce(m.hostname, m.facts ->> 'hostname'), coalesce(m.serial, m.facts ->> 'serial'), coalesce(m.product, m.facts ->> 'product'),
    m.facts ->> 'manufacturer', coalesce(m.asset, m.facts ->> 'asset'), m.facts ->> 'ip', m.assignment ->> 'image', m.assignment ->> 'menu',
    (SELECT string_agg(key || '=' || value, E'\n' ORDER BY key) FROM jsonb_each_text(m.labels)))) || E'\n'
$$;--> statement-breakpoint
CREATE FUNCTION search_macs(id uuid) RETURNS text LANGUAGE sql STABLE AS $$
  SELECT E'\n' || coalesce(string_agg(replace(mac, ':', ''), E'\n' ORDER BY mac), '') || E'\n' FROM machine_macs WHERE machine_id = id
$$;--> statement-breakpoint
CREATE FUNCTION search_uuids(m "machines") RETURNS text LANGUAGE sql STABLE AS $$
  SELECT E'\n' || replace(lower(coalesce(m.uuid, m.facts ->> 'uuid', '')), '-', '') || E'\n'
$$;--> statement-breakpoint
-- platform and arch as targetOf (src/model/facts.ts) finds them.
CREATE FUNCTION search_traits(m "machines") RETURNS text LANGUAGE sql STABLE AS $$
  SELECT E'\n' || concat_ws(E'\n', 'platform=' || coalesce(m.facts ->> 'platform', 'efi'),
    'arch=' || coalesce(CASE WHEN coalesce(m.facts ->> 'buildarch', m.facts ->> 'cpuarch') = 'i386' AND coalesce(m.facts ->> 'platform', '') <> 'efi'
      THEN m.facts ->> 'cpuarch' ELSE coalesce(m.facts ->> 'buildarch', m.facts ->> 'cpuarch') END, 'x86_64'),
    'discovered=' || m.discovered, 'denied=' || m.denied, 'image=' || (m.assignment ->> 'image'), 'menu=' || (m.assignment ->> 'menu'),
    'fact.product=' || coalesce(m.product, m.facts ->> 'product'), 'fact.manufacturer=' || (m.facts ->> 'manufacturer'),
    'fact.platform=' || (m.facts ->> 'platform'), 'fact.buildarch=' || (m.facts ->> 'buildarch'), 'fact.cpuarch=' || (m.facts ->> 'cpuarch'),
    'fact.version=' || (m.facts ->> 'version'),
    (SELECT string_agg('label.' || key || '=' || value, E'\n' ORDER BY key) FROM jsonb_each_text(m.labels))) || E'\n'
$$;--> statement-breakpoint
CREATE FUNCTION add_search() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO machine_search (machine_id, words, macs, uuids, traits)
    SELECT m.id, search_words(m), search_macs(m.id), search_uuids(m), search_traits(m) FROM added AS a JOIN machines AS m ON m.id = a.id;
  RETURN NULL;
END $$;--> statement-breakpoint
CREATE FUNCTION update_search() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE machine_search AS s SET words = search_words(NEW), uuids = search_uuids(NEW), traits = search_traits(NEW)
    WHERE s.machine_id = NEW.id AND (s.words, s.uuids, s.traits) IS DISTINCT FROM (search_words(NEW), search_uuids(NEW), search_traits(NEW));
  RETURN NULL;
END $$;--> statement-breakpoint
CREATE FUNCTION update_search_of_macs() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE machine_search AS s SET macs = search_macs(s.machine_id) WHERE s.machine_id IN (SELECT machine_id FROM touched);
  RETURN NULL;
END $$;--> statement-breakpoint
CREATE TRIGGER search_added AFTER INSERT ON "machines" REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION add_search();--> statement-breakpoint
CREATE TRIGGER search_changed AFTER UPDATE OF "discovered", "denied", "hostname", "serial", "product", "asset", "uuid", "labels", "assignment", "facts" ON "machines" FOR EACH ROW
  WHEN ((OLD.discovered, OLD.denied, OLD.hostname, OLD.serial, OLD.product, OLD.asset, OLD.uuid, OLD.labels, OLD.assignment, OLD.facts)
    IS DISTINCT FROM (NEW.discovered, NEW.denied, NEW.hostname, NEW.serial, NEW.product, NEW.asset, NEW.uuid, NEW.labels, NEW.assignment, NEW.facts))
  EXECUTE FUNCTION update_search();--> statement-breakpoint
CREATE TRIGGER search_mac_added AFTER INSERT ON "machine_macs" REFERENCING NEW TABLE AS touched FOR EACH STATEMENT EXECUTE FUNCTION update_search_of_macs();--> statement-breakpoint
CREATE TRIGGER search_mac_moved AFTER UPDATE ON "machine_macs" REFERENCING NEW TABLE AS touched FOR EACH STATEMENT EXECUTE FUNCTION update_search_of_macs();--> statement-breakpoint
CREATE TRIGGER search_mac_removed AFTER DELETE ON "machine_macs" REFERENCING OLD TABLE AS touched FOR EACH STATEMENT EXECUTE FUNCTION update_search_of_macs();--> statement-breakpoint
INSERT INTO machine_search (machine_id, words, macs, uuids, traits)
  SELECT m.id, search_words(m), search_macs(m.id), search_uuids(m), search_traits(m) FROM machines AS m;
