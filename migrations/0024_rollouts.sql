CREATE TABLE "rollout_machines" (
	"rollout_id" uuid NOT NULL,
	"machine_id" uuid NOT NULL,
	"place" integer NOT NULL,
	"wave" integer NOT NULL,
	"state" text DEFAULT 'waiting' NOT NULL,
	"attempt" integer DEFAULT 0 NOT NULL,
	"deployment_id" uuid,
	"former_deployment_id" uuid,
	"former" jsonb,
	"given" jsonb,
	"reason" text,
	"acted_at" timestamp (3) with time zone,
	"started_at" timestamp (3) with time zone,
	"ended_at" timestamp (3) with time zone,
	CONSTRAINT "rollout_machines_rollout_id_machine_id_pk" PRIMARY KEY("rollout_id","machine_id")
);
--> statement-breakpoint
CREATE TABLE "rollouts" (
	"id" uuid PRIMARY KEY NOT NULL,
	"seq" bigserial NOT NULL,
	"action" text NOT NULL,
	"image" text NOT NULL,
	"version" integer NOT NULL,
	"assignment" jsonb NOT NULL,
	"force" boolean NOT NULL,
	"max_attempts" integer NOT NULL,
	"window_seconds" integer NOT NULL,
	"waves" jsonb NOT NULL,
	"bound" jsonb NOT NULL,
	"patience_seconds" integer NOT NULL,
	"window" jsonb,
	"selector" jsonb,
	"state" text NOT NULL,
	"wave" integer DEFAULT 0 NOT NULL,
	"accepted" integer DEFAULT 0 NOT NULL,
	"reason" text,
	"created_by" text NOT NULL,
	"revision" integer DEFAULT 1 NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"ended_at" timestamp (3) with time zone
);
--> statement-breakpoint
ALTER TABLE "rollout_machines" ADD CONSTRAINT "rollout_machines_rollout_id_rollouts_id_fk" FOREIGN KEY ("rollout_id") REFERENCES "public"."rollouts"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "rollout_machines" ADD CONSTRAINT "rollout_machines_machine_id_machines_id_fk" FOREIGN KEY ("machine_id") REFERENCES "public"."machines"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "rollout_machines_state" ON "rollout_machines" USING btree ("rollout_id","wave","state","place");--> statement-breakpoint
CREATE INDEX "rollout_machines_machine" ON "rollout_machines" USING btree ("machine_id");--> statement-breakpoint
CREATE INDEX "rollouts_order" ON "rollouts" USING btree ("seq");--> statement-breakpoint
CREATE INDEX "rollouts_open" ON "rollouts" USING btree ("seq") WHERE "rollouts"."state" in ('running', 'paused', 'stopped');