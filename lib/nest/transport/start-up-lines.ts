import { stagesOf } from '../../consuming/pipeline.js';
import type { HandlerDefinition } from '../../options/handler-definition.js';
import type { StreamsRuntime } from '../../runtime/streams-runtime.js';
import { inStreams, MOST_STREAMS } from './log-fields.js';
import type { Line, LogFields } from './rate-limited-log.js';

/** What a transport logs when it has begun to read. */
export const startUpLines = (
  runtime: StreamsRuntime,
  definitions: readonly HandlerDefinition[],
): Line[] => [
  said(slotsLine(runtime.slots)),
  ...connectionsLines(runtime.slots).map((text) => said(text)),
  ...pipelineLines(runtime).map((text) => said(text)),
  ...subscriptionLines(runtime.consumers.read, definitions),
];

const said = (text: string, fields?: LogFields): Line => ({
  level: 'log',
  text,
  ...(fields && { fields }),
});

/** Says what fills the slots, and what follows from that. */
function slotsLine({ mode, filled }: StreamsRuntime['slots']): string {
  const { messageSource, stateStore = 'none', deadLetterQueue } = filled;
  const queue = deadLetterQueue ?? 'none of its own';
  return `Slots: message source ${messageSource}, state store ${stateStore}, dead letter queue ${queue} (${mode})`;
}

/** Says how many connections there are, where a driver knows it. */
const connectionsLines = ({ connections }: StreamsRuntime['slots']): readonly string[] =>
  connections.length === 0 ? [] : [`Connections: ${connections.join(', ')}`];

/** Names the stages that messages pass before a handler, where there is one. */
function pipelineLines({
  consumers,
  balanced,
  options: { middleware },
  commits: { recorders: recorder },
  instruments: { current: instrumentation },
}: Pick<
  StreamsRuntime,
  'consumers' | 'balanced' | 'options' | 'commits' | 'instruments'
>): string[] {
  const tables = [...consumers.read, ...balanced.read].flatMap(({ tables }) => [
    ...tables.values(),
  ]);
  const handlers = tables.flatMap((table) => table.handlers);
  if (handlers.length === 0) return [];
  const stages = stagesOf(handlers, { middleware, recorder, instrumentation });
  return [`Pipeline: ${stages.join(', ')}`];
}

type Plans = StreamsRuntime['consumers']['read'];

/** One line for each event pattern, group and method that gets messages, as Nest logs one line for each route. */
function subscriptionLines(plans: Plans, definitions: readonly HandlerDefinition[]): Line[] {
  const streams = new Map<string, string[]>();
  for (const { group, tables } of plans) {
    for (const [stream, { entries }] of tables) {
      for (const { pattern, handler } of entries) {
        const key = JSON.stringify([pattern, group, handler.name]);
        const known = streams.get(key);
        if (known) known.push(stream);
        else streams.set(key, [stream]);
      }
    }
  }
  const lines = [...streams].map(([key, names]) => {
    const [pattern, group, name] = JSON.parse(key) as [string, string, string];
    const fields = { ...inStreams(names), group, eventType: pattern, handler: name };
    return said(mappedLine(pattern, names, group, name), fields);
  });
  return [...lines, ...definitions.flatMap(balancedLines)];
}

/** Says which events reach `target`: a method, or the callback of a consumer. */
export const mappedLine = (
  events: string,
  streams: readonly string[],
  group: string,
  target: string,
): string => `Mapped {${events}, ${named(streams)}, group ${group}} to ${target}`;

/** Names no streams: a consumer learns them only when it owns them. */
function balancedLines({ name, events, options: { balanced } }: HandlerDefinition): Line[] {
  if (balanced === undefined) return [];
  return events.map((pattern) =>
    said(`Mapped {${pattern}, load balanced streams of ${balanced}} to ${name}`, {
      service: balanced,
      eventType: pattern,
      handler: name,
    }),
  );
}

function named(streams: readonly string[]): string {
  const more = streams.length - MOST_STREAMS;
  const some = streams.slice(0, MOST_STREAMS).join(', ');
  return `stream${streams.length > 1 ? 's' : ''} ${some}${more > 0 ? ` and ${more} more` : ''}`;
}
