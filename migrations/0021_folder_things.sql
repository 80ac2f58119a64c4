CREATE TABLE "folder_things" (
	"kind" text NOT NULL,
	"name" text NOT NULL,
	"owner" text NOT NULL,
	"owned_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "folder_things_kind_name_pk" PRIMARY KEY("kind","name")
);
