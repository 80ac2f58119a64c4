CREATE TABLE "batch_others" (
	"batch" uuid PRIMARY KEY NOT NULL,
	"machine_ids" jsonb NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL
);
