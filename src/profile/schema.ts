import * as z from "zod";
import { controllerSchema } from "./element/controller.js";
import { deviceSchema } from "./element/device.js";
import { groupSchema, readableSchema } from "./element/groups.js";
import { headerSchemas } from "./element/header.js";
import { inputSchema } from "./element/input.js";
import { modesSchema } from "./element/modes.js";
import { outputSchema } from "./element/output.js";
import { peopleSchemas } from "./element/people.js";
import { ruleSchemas } from "./element/rules.js";
import { confirmSchema, safeStateSchema } from "./element/safe-state.js";
import { tripSchema } from "./element/trips.js";
import { condition, name, tag } from "./schema-parts.js";

/**
 * What a profile may contain, put together from the schema that stands beside each element's reader: so
 * types, checks and the editors' JSON Schema have one source.
 */
export const profileSchema: z.ZodType = z.strictObject({
  profile: headerSchemas.profile,
  schema: headerSchemas.schema,
  revision: headerSchemas.revision,
  valid: headerSchemas.valid,
  signers: headerSchemas.signers,
  devices: z.record(name, deviceSchema),
  modes: modesSchema.optional(),
  inputs: z.record(tag, inputSchema),
  outputs: z.record(tag, outputSchema),
  groups: z.record(tag, groupSchema).optional(),
  readable: z.record(name, readableSchema).optional(),
  signals: z.record(tag, condition).optional(),
  permissives: z.array(ruleSchemas.permissive).max(1000).optional(),
  always: z.array(ruleSchemas.always).max(1000).optional(),
  exclusive: z.array(ruleSchemas.exclusive).max(1000).optional(),
  trips: z.array(tripSchema).max(1000).optional(),
  confirm: z.array(confirmSchema).max(1000).optional(),
  safe_state: safeStateSchema,
  restart: headerSchemas.restart,
  controllers: z.record(name, controllerSchema),
  approvals: z.record(name, peopleSchemas.approval).optional(),
  bypass: peopleSchemas.bypass.optional(),
  hazards: z.array(peopleSchemas.hazard).max(1000).optional(),
});

/** For editors: completion, and marks while typing. The loader checks far more than a schema can say. */
export function profileJsonSchema(): unknown {
  const title = "Holdpoint safety profile";
  return { title, ...z.toJSONSchema(profileSchema, { io: "input" }) };
}
