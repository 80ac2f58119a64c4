CREATE INDEX "boots_unfinished" ON "boots" USING btree ("machine_id") WHERE "boots"."outcome" is null or "boots"."outcome" = 'stalled';--> statement-breakpoint
-- Each text is made once, and not a second time for the comparison.
CREATE OR REPLACE FUNCTION update_search() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  new_words text := search_words(NEW);
  new_uuids text := search_uuids(NEW);
  new_traits text := search_traits(NEW);
BEGIN
  UPDATE machine_search AS s SET words = new_words, uuids = new_uuids, traits = new_traits
    WHERE s.machine_id = NEW.id AND (s.words, s.uuids, s.traits) IS DISTINCT FROM (new_words, new_uuids, new_traits);
  RETURN NULL;
END $$;
