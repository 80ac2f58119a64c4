CREATE TABLE "installation" (
	"id" integer PRIMARY KEY NOT NULL,
	"secret_key_id" text,
	"store_id" text,
	"program_version" text,
	CONSTRAINT "installation_one_row" CHECK ("installation"."id" = 1)
);
--> statement-breakpoint
INSERT INTO "installation" ("id") VALUES (1);
