import { createRequire } from 'node:module';

interface WebhookDefinition {
  readonly name: string;
  readonly examples: readonly Webhook[];
}

/** A payload as GitHub posts it. */
export interface Webhook {
  readonly action?: string;
  readonly repository?: { readonly full_name: string };
  readonly sender?: { readonly login: string };
}

/** The payloads that GitHub publishes as examples, each with its event and action as event type. */
export function loadWebhooks(): { eventType: string; payload: Webhook }[] {
  const definitions = createRequire(import.meta.url)(
    '@octokit/webhooks-examples',
  ) as WebhookDefinition[];
  return definitions.flatMap(({ name, examples }) =>
    examples.map((payload) => ({
      eventType: payload.action ? `${name}.${payload.action}` : name,
      payload,
    })),
  );
}
