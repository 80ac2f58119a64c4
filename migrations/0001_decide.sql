CREATE TABLE "answer_file_versions" (
	"answer_file" text NOT NULL,
	"version" integer NOT NULL,
	"documents" jsonb NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "answer_file_versions_answer_file_version_pk" PRIMARY KEY("answer_file","version")
);
--> statement-breakpoint
CREATE TABLE "answer_files" (
	"name" text PRIMARY KEY NOT NULL,
	"title" text DEFAULT '' NOT NULL,
	"current_version" integer NOT NULL,
	"revision" integer DEFAULT 1 NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp (3) with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "catalog" (
	"id" integer PRIMARY KEY NOT NULL,
	"revision" bigint NOT NULL
);
--> statement-breakpoint
CREATE TABLE "changes" (
	"id" bigserial PRIMARY KEY NOT NULL,
	"tx" bigint DEFAULT (pg_current_xact_id()::text)::bigint NOT NULL,
	"at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"actor" text NOT NULL,
	"type" text NOT NULL,
	"subject" text NOT NULL,
	"before" jsonb,
	"after" jsonb
);
--> statement-breakpoint
CREATE TABLE "conflicts" (
	"key" text PRIMARY KEY NOT NULL,
	"facts" jsonb NOT NULL,
	"first_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"last_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"times" integer DEFAULT 1 NOT NULL
);
--> statement-breakpoint
CREATE TABLE "deployments" (
	"id" uuid PRIMARY KEY NOT NULL,
	"machine_id" uuid NOT NULL,
	"image" text NOT NULL,
	"assignment" jsonb NOT NULL,
	"state" text DEFAULT 'armed' NOT NULL,
	"attempts" integer DEFAULT 0 NOT NULL,
	"max_attempts" integer NOT NULL,
	"window_seconds" integer NOT NULL,
	"reason" text,
	"armed_by" text NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"started_at" timestamp (3) with time zone,
	"ended_at" timestamp (3) with time zone
);
--> statement-breakpoint
CREATE TABLE "groups" (
	"name" text PRIMARY KEY NOT NULL,
	"title" text DEFAULT '' NOT NULL,
	"priority" integer DEFAULT 0 NOT NULL,
	"selector" jsonb NOT NULL,
	"assignment" jsonb NOT NULL,
	"revision" integer DEFAULT 1 NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp (3) with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "idempotency_keys" (
	"actor" text NOT NULL,
	"key" text NOT NULL,
	"request_hash" text NOT NULL,
	"status" integer NOT NULL,
	"sealed" text NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "idempotency_keys_actor_key_pk" PRIMARY KEY("actor","key")
);
--> statement-breakpoint
CREATE TABLE "machine_merges" (
	"from_id" uuid PRIMARY KEY NOT NULL,
	"into_id" uuid NOT NULL,
	"at" timestamp (3) with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "menus" (
	"name" text PRIMARY KEY NOT NULL,
	"title" text NOT NULL,
	"timeout_seconds" integer,
	"default_entry" text,
	"entries" jsonb NOT NULL,
	"revision" integer DEFAULT 1 NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp (3) with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "secrets" (
	"owner_kind" text NOT NULL,
	"owner" text NOT NULL,
	"name" text NOT NULL,
	"sealed" text NOT NULL,
	"updated_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "secrets_owner_kind_owner_name_pk" PRIMARY KEY("owner_kind","owner","name")
);
--> statement-breakpoint
CREATE TABLE "webhook_deliveries" (
	"id" uuid PRIMARY KEY NOT NULL,
	"webhook_id" uuid NOT NULL,
	"change_id" bigint NOT NULL,
	"body" text NOT NULL,
	"attempts" integer DEFAULT 0 NOT NULL,
	"next_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"dead" boolean DEFAULT false NOT NULL,
	"error" text,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "webhooks" (
	"id" uuid PRIMARY KEY NOT NULL,
	"url" text NOT NULL,
	"types" jsonb NOT NULL,
	"sealed" text NOT NULL,
	"active" boolean DEFAULT true NOT NULL,
	"cursor_tx" bigint NOT NULL,
	"cursor_id" bigint NOT NULL,
	"revision" integer DEFAULT 1 NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp (3) with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
DROP INDEX "boot_events_ip";--> statement-breakpoint
ALTER TABLE "boots" ADD COLUMN "facts" jsonb DEFAULT '{}'::jsonb NOT NULL;--> statement-breakpoint
ALTER TABLE "boots" ADD COLUMN "deployment_id" uuid;--> statement-breakpoint
ALTER TABLE "boots" ADD COLUMN "script" text DEFAULT '' NOT NULL;--> statement-breakpoint
ALTER TABLE "boots" ADD COLUMN "progressed" boolean DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE "boots" ADD COLUMN "stage" text DEFAULT 'script' NOT NULL;--> statement-breakpoint
ALTER TABLE "boots" ADD COLUMN "moved_at" timestamp (3) with time zone DEFAULT now() NOT NULL;--> statement-breakpoint
ALTER TABLE "boots" ADD COLUMN "reports" boolean DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE "images" ADD COLUMN "revision" integer DEFAULT 1 NOT NULL;--> statement-breakpoint
ALTER TABLE "machines" ADD COLUMN "revision" integer DEFAULT 1 NOT NULL;--> statement-breakpoint
ALTER TABLE "answer_file_versions" ADD CONSTRAINT "answer_file_versions_answer_file_answer_files_name_fk" FOREIGN KEY ("answer_file") REFERENCES "public"."answer_files"("name") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "deployments" ADD CONSTRAINT "deployments_machine_id_machines_id_fk" FOREIGN KEY ("machine_id") REFERENCES "public"."machines"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "machine_merges" ADD CONSTRAINT "machine_merges_into_id_machines_id_fk" FOREIGN KEY ("into_id") REFERENCES "public"."machines"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "webhook_deliveries" ADD CONSTRAINT "webhook_deliveries_webhook_id_webhooks_id_fk" FOREIGN KEY ("webhook_id") REFERENCES "public"."webhooks"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "changes_order" ON "changes" USING btree ("tx","id");--> statement-breakpoint
CREATE INDEX "changes_subject" ON "changes" USING btree ("subject","id");--> statement-breakpoint
CREATE INDEX "changes_at" ON "changes" USING btree ("at");--> statement-breakpoint
CREATE UNIQUE INDEX "deployments_active" ON "deployments" USING btree ("machine_id") WHERE "deployments"."state" in ('armed', 'started', 'installing');--> statement-breakpoint
CREATE INDEX "deployments_machine" ON "deployments" USING btree ("machine_id","id");--> statement-breakpoint
CREATE INDEX "deployments_state" ON "deployments" USING btree ("state","id");--> statement-breakpoint
CREATE INDEX "webhook_deliveries_due" ON "webhook_deliveries" USING btree ("next_at") WHERE not "webhook_deliveries"."dead";--> statement-breakpoint
CREATE INDEX "webhook_deliveries_webhook" ON "webhook_deliveries" USING btree ("webhook_id","id");--> statement-breakpoint
ALTER TABLE "boots" ADD CONSTRAINT "boots_deployment_id_deployments_id_fk" FOREIGN KEY ("deployment_id") REFERENCES "public"."deployments"("id") ON DELETE set null ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "boots_open" ON "boots" USING btree ("moved_at") WHERE "boots"."outcome" is null;--> statement-breakpoint
CREATE INDEX "boot_events_ip" ON "boot_events" USING btree ("ip","at") WHERE "boot_events"."boot_id" is null;--> statement-breakpoint
INSERT INTO "catalog" ("id", "revision") VALUES (1, 1);--> statement-breakpoint
CREATE FUNCTION count_catalog() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE catalog SET revision = revision + 1;
  RETURN NULL;
END $$;--> statement-breakpoint
CREATE TRIGGER catalog_groups AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON "groups" FOR EACH STATEMENT EXECUTE FUNCTION count_catalog();--> statement-breakpoint
CREATE TRIGGER catalog_policies AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON "policies" FOR EACH STATEMENT EXECUTE FUNCTION count_catalog();--> statement-breakpoint
CREATE TRIGGER catalog_menus AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON "menus" FOR EACH STATEMENT EXECUTE FUNCTION count_catalog();--> statement-breakpoint
CREATE TRIGGER catalog_images AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON "images" FOR EACH STATEMENT EXECUTE FUNCTION count_catalog();--> statement-breakpoint
CREATE TRIGGER catalog_image_versions AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON "image_versions" FOR EACH STATEMENT EXECUTE FUNCTION count_catalog();--> statement-breakpoint
CREATE TRIGGER catalog_answer_files AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON "answer_files" FOR EACH STATEMENT EXECUTE FUNCTION count_catalog();--> statement-breakpoint
CREATE TRIGGER catalog_answer_file_versions AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON "answer_file_versions" FOR EACH STATEMENT EXECUTE FUNCTION count_catalog();
