import { Controller } from '@nestjs/common';
import { Ctx, Payload } from '@nestjs/microservices';
import { StreamContext, StreamHandler, Workflows, type WorkflowState } from 'nestjs-redis-streams';
import { startApp, type TestAppOptions } from './nest-app.js';

/** Steps that ran, with what they were given. */
interface Ran {
  readonly event: string;
  readonly payload: unknown;
  readonly context: StreamContext;
}

type Answer = (payload: never, context: StreamContext) => unknown;

/** Starts an application whose handlers are these functions, by event type. */
export async function flow(
  answers: Readonly<Record<string, Answer>>,
  { maxDeliveries = 1, ...given }: TestAppOptions & { readonly maxDeliveries?: number } = {},
) {
  const ran: Ran[] = [];
  @Controller()
  class Steps {
    @StreamHandler(Object.keys(answers), { maxDeliveries })
    async step(@Payload() payload: unknown, @Ctx() context: StreamContext): Promise<unknown> {
      const event = context.getPattern();
      ran.push({ event, payload, context });
      return answers[event]!(payload as never, context);
    }
  }
  const { controllers = [], ...more } = given;
  const started = await startApp({ ...more, controllers: [Steps, ...controllers] });
  const workflows = started.app.get(Workflows);
  return {
    ...started,
    ran,
    workflows,
    events: () => ran.map(({ event }) => event),
    payloadOf: <T>(event: string): T => ran.find((one) => one.event === event)!.payload as T,
    state: async (): Promise<WorkflowState> => (await workflows.get(ran[0]!.context.workflow.id))!,
  };
}
