import type { OnApplicationBootstrap } from '@nestjs/common';
import type { DiscoveryService, MetadataScanner, ModulesContainer } from '@nestjs/core';
import { PATTERN_EXTRAS_METADATA } from '@nestjs/microservices/constants.js';
import type { EventBus } from '../../core/event-bus.js';
import { isFed } from '../handling/fed-handlers.js';
import { STREAM_HANDLER, type StreamHandlerMark } from '../handling/stream-handler.decorator.js';
import { DEFAULT_NAME } from '../../options/streams-options.js';

type Wrapper = ReturnType<DiscoveryService['getProviders']>[number];

/** Most methods that the warning names. */
const NAMED = 10;

/** Applications that were checked: each of their modules would report the same. */
const looked = new WeakSet<ModulesContainer>();

/** Warns of decorated methods that no transport feeds, once all transports are connected. */
export class UnfedHandlers implements OnApplicationBootstrap {
  constructor(
    private readonly events: EventBus,
    private readonly modules: ModulesContainer,
    private readonly discovery: DiscoveryService,
    private readonly scanner: MetadataScanner,
  ) {}

  onApplicationBootstrap(): void {
    if (looked.has(this.modules)) return;
    looked.add(this.modules);
    // A hybrid application connects its transports right after its initialisation.
    setImmediate(() => this.look());
  }

  private look(): void {
    const problems = [
      ...this.discovery.getControllers().flatMap((wrapper) => this.unfed(wrapper, whyNotConnected)),
      ...this.discovery.getProviders().flatMap((wrapper) => this.unfed(wrapper, whyNoController)),
    ];
    const unique = [...new Set(problems)];
    if (unique.length === 0) return;
    const more = unique.length > NAMED ? [`and ${unique.length - NAMED} more`] : [];
    const message = `Nothing feeds these methods: ${[...unique.slice(0, NAMED), ...more].join('; ')}`;
    this.events.emit('warning', { code: 'HANDLERS_NOT_FED', message });
  }

  private unfed({ metatype }: Wrapper, why: (mark: StreamHandlerMark) => string): string[] {
    const prototype = typeof metatype === 'function' ? (metatype.prototype as object | null) : null;
    if (!prototype) return [];
    return this.scanner.getAllMethodNames(prototype).flatMap((name) => {
      const mark = markOf((prototype as Record<string, unknown>)[name]);
      return mark && !isFed(mark) ? [`${mark.method} (${why(mark)})`] : [];
    });
  }
}

function markOf(method: unknown): StreamHandlerMark | undefined {
  if (typeof method !== 'function') return undefined;
  const extras: unknown = Reflect.getMetadata(PATTERN_EXTRAS_METADATA, method);
  return (extras as Record<symbol, StreamHandlerMark | undefined> | undefined)?.[STREAM_HANDLER];
}

function whyNotConnected({ name }: StreamHandlerMark): string {
  const transport = name === DEFAULT_NAME ? 'no transport' : `no transport named "${name}"`;
  return `${transport} is connected: call connectMicroservice with it, or correct the name`;
}

const whyNoController = (): string =>
  'its class is a provider: add it to controllers, as Nest feeds methods of controllers alone';
