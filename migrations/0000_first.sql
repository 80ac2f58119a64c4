CREATE TABLE "boot_events" (
	"id" bigserial PRIMARY KEY NOT NULL,
	"boot_id" uuid,
	"ip" text NOT NULL,
	"stage" text NOT NULL,
	"file" text,
	"bytes" bigint,
	"duration_ms" integer,
	"message" text,
	"at" timestamp (3) with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "boots" (
	"id" uuid PRIMARY KEY NOT NULL,
	"token_hash" text NOT NULL,
	"machine_id" uuid,
	"mac" text,
	"ip" text NOT NULL,
	"image" text,
	"version" integer,
	"decision" jsonb NOT NULL,
	"outcome" text,
	"message" text,
	"started_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"ended_at" timestamp (3) with time zone,
	CONSTRAINT "boots_token_hash_unique" UNIQUE("token_hash")
);
--> statement-breakpoint
CREATE TABLE "files" (
	"sha256" text PRIMARY KEY NOT NULL,
	"name" text NOT NULL,
	"size_bytes" bigint NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "image_versions" (
	"image" text NOT NULL,
	"version" integer NOT NULL,
	"variants" jsonb NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "image_versions_image_version_pk" PRIMARY KEY("image","version")
);
--> statement-breakpoint
CREATE TABLE "images" (
	"name" text PRIMARY KEY NOT NULL,
	"title" text NOT NULL,
	"current_version" integer NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp (3) with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "machine_macs" (
	"mac" text PRIMARY KEY NOT NULL,
	"machine_id" uuid NOT NULL
);
--> statement-breakpoint
CREATE TABLE "machines" (
	"id" uuid PRIMARY KEY NOT NULL,
	"discovered" boolean NOT NULL,
	"denied" boolean DEFAULT false NOT NULL,
	"uuid" text,
	"serial" text,
	"product" text,
	"asset" text,
	"hostname" text,
	"labels" jsonb DEFAULT '{}'::jsonb NOT NULL,
	"assignment" jsonb,
	"facts" jsonb DEFAULT '{}'::jsonb NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"last_seen_at" timestamp (3) with time zone
);
--> statement-breakpoint
CREATE TABLE "policies" (
	"id" integer PRIMARY KEY NOT NULL,
	"policy" jsonb NOT NULL
);
--> statement-breakpoint
CREATE TABLE "tokens" (
	"id" uuid PRIMARY KEY NOT NULL,
	"name" text NOT NULL,
	"hash" text NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"last_used_at" timestamp (3) with time zone,
	"revoked_at" timestamp (3) with time zone,
	CONSTRAINT "tokens_hash_unique" UNIQUE("hash")
);
--> statement-breakpoint
ALTER TABLE "boot_events" ADD CONSTRAINT "boot_events_boot_id_boots_id_fk" FOREIGN KEY ("boot_id") REFERENCES "public"."boots"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "boots" ADD CONSTRAINT "boots_machine_id_machines_id_fk" FOREIGN KEY ("machine_id") REFERENCES "public"."machines"("id") ON DELETE set null ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "image_versions" ADD CONSTRAINT "image_versions_image_images_name_fk" FOREIGN KEY ("image") REFERENCES "public"."images"("name") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "machine_macs" ADD CONSTRAINT "machine_macs_machine_id_machines_id_fk" FOREIGN KEY ("machine_id") REFERENCES "public"."machines"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "boot_events_boot" ON "boot_events" USING btree ("boot_id");--> statement-breakpoint
CREATE INDEX "boot_events_ip" ON "boot_events" USING btree ("ip","at");--> statement-breakpoint
CREATE INDEX "boots_machine" ON "boots" USING btree ("machine_id","id");--> statement-breakpoint
CREATE INDEX "machine_macs_machine" ON "machine_macs" USING btree ("machine_id");--> statement-breakpoint
CREATE INDEX "machines_uuid" ON "machines" USING btree ("uuid");--> statement-breakpoint
CREATE INDEX "machines_serial" ON "machines" USING btree ("serial");--> statement-breakpoint
CREATE INDEX "machines_hostname" ON "machines" USING btree ("hostname");