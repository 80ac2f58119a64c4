-- The ids of machines in other inventories are words of the search.
CREATE OR REPLACE FUNCTION search_words(m "machines") RETURNS text LANGUAGE sql STABLE AS $$
  SELECT E'\n' || lower(concat_ws(E'\n',
    coalesce(m.hostname, m.facts ->> 'hostname'), coalesce(m.serial, m.facts ->> 'serial'), coalesce(m.product, m.facts ->> 'product'),
    m.facts ->> 'manufacturer', coalesce(m.asset, m.facts ->> 'asset'), m.facts ->> 'ip', m.assignment ->> 'image', m.assignment ->> 'menu',
    (SELECT string_agg(key || '=' || value, E'\n' ORDER BY key) FROM jsonb_each_text(m.labels)),
    (SELECT string_agg(external_id, E'\n' ORDER BY owner) FROM machine_sources WHERE machine_id = m.id))) || E'\n'
$$;--> statement-breakpoint
CREATE FUNCTION update_search_of_sources() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE machine_search AS s SET words = search_words(m) FROM machines AS m
    WHERE m.id = s.machine_id AND m.id IN (SELECT machine_id FROM touched) AND s.words IS DISTINCT FROM search_words(m);
  RETURN NULL;
END $$;--> statement-breakpoint
CREATE TRIGGER search_source_added AFTER INSERT ON "machine_sources" REFERENCING NEW TABLE AS touched FOR EACH STATEMENT EXECUTE FUNCTION update_search_of_sources();--> statement-breakpoint
CREATE TRIGGER search_source_changed AFTER UPDATE ON "machine_sources" REFERENCING NEW TABLE AS touched FOR EACH STATEMENT EXECUTE FUNCTION update_search_of_sources();--> statement-breakpoint
CREATE TRIGGER search_source_removed AFTER DELETE ON "machine_sources" REFERENCING OLD TABLE AS touched FOR EACH STATEMENT EXECUTE FUNCTION update_search_of_sources();--> statement-breakpoint
UPDATE machine_search AS s SET words = search_words(m) FROM machines AS m
  WHERE m.id = s.machine_id AND m.id IN (SELECT machine_id FROM machine_sources);
