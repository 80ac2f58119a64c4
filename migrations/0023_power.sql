CREATE TABLE "machine_power" (
	"machine_id" uuid PRIMARY KEY NOT NULL,
	"setting" jsonb NOT NULL,
	"sealed" text,
	"revision" integer DEFAULT 1 NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp (3) with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "power_requests" (
	"id" uuid PRIMARY KEY NOT NULL,
	"seq" bigserial NOT NULL,
	"machine_id" uuid NOT NULL,
	"deployment_id" uuid,
	"batch" uuid,
	"action" text NOT NULL,
	"network" boolean NOT NULL,
	"force" boolean NOT NULL,
	"state" text DEFAULT 'waiting' NOT NULL,
	"power" text,
	"message" text,
	"asked_by" text NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"started_at" timestamp (3) with time zone,
	"lease_until" timestamp (3) with time zone,
	"ended_at" timestamp (3) with time zone
);
--> statement-breakpoint
ALTER TABLE "machine_power" ADD CONSTRAINT "machine_power_machine_id_machines_id_fk" FOREIGN KEY ("machine_id") REFERENCES "public"."machines"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "power_requests" ADD CONSTRAINT "power_requests_machine_id_machines_id_fk" FOREIGN KEY ("machine_id") REFERENCES "public"."machines"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "power_requests" ADD CONSTRAINT "power_requests_deployment_id_deployments_id_fk" FOREIGN KEY ("deployment_id") REFERENCES "public"."deployments"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE UNIQUE INDEX "power_requests_open" ON "power_requests" USING btree ("machine_id") WHERE "power_requests"."ended_at" is null;--> statement-breakpoint
CREATE INDEX "power_requests_machine" ON "power_requests" USING btree ("machine_id","seq");--> statement-breakpoint
CREATE INDEX "power_requests_order" ON "power_requests" USING btree ("seq");--> statement-breakpoint
CREATE INDEX "power_requests_queue" ON "power_requests" USING btree ("state","seq") WHERE "power_requests"."ended_at" is null;--> statement-breakpoint
CREATE INDEX "power_requests_deployment" ON "power_requests" USING btree ("deployment_id","seq");--> statement-breakpoint
CREATE INDEX "power_requests_batch" ON "power_requests" USING btree ("batch","seq");