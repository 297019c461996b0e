import { Logger } from '@nestjs/common';
import { MetadataScanner, type ModulesContainer } from '@nestjs/core';
import type { Balancer } from '../../load-balancing/balancer.js';
import type { StreamNotification } from '../../load-balancing/notifications.js';
import { codeOf, messageOf } from '../../core/errors/error-record.js';
import { writeLine } from '../transport/rate-limited-log.js';
import { ON_STREAM, type OnStreamMark } from './on-stream.decorators.js';

type Method = (notification: StreamNotification) => unknown;

interface Listener extends OnStreamMark {
  /** `SessionOwners.claim` */
  readonly label: string;
  readonly call: Method;
}

/**
 * Connects methods with `@OnStreamAdded()` and the other decorators. @returns whether there are any
 */
export function connectListeners(balancer: Balancer, modules: ModulesContainer): boolean {
  const logger = new Logger('LoadBalancer');
  const wrappers = [...modules.values()].flatMap(({ providers, controllers }) => [
    ...providers.values(),
    ...controllers.values(),
  ]);
  // The same instance may be registered under several tokens.
  const instances = new Map(wrappers.map((wrapper) => [wrapper.instance as unknown, wrapper]));
  const listeners = [...instances].flatMap(([instance, wrapper]) => {
    const found = listenersOf(instance).filter(
      ({ service }) => service === undefined || service === balancer.service,
    );
    if (found.length === 0 || (wrapper.isDependencyTreeStatic() && !wrapper.isTransient))
      return found;
    writeLine(logger, {
      level: 'warn',
      text: `The listeners of ${wrapper.name} are never called: the application has no instance of it. Move them to a provider of the default scope.`,
      fields: { service: balancer.service, listener: String(wrapper.name) },
    });
    return [];
  });
  balancer.listen((notification) => {
    for (const { type, label, call } of listeners) {
      if (type !== notification.type) continue;
      // An error of the method is logged, and does not reach the load balancer.
      void (async () => call(notification))().catch((error: unknown) =>
        logFailure(logger, { service: balancer.service, listener: label }, error),
      );
    }
  });
  return listeners.length > 0;
}

function logFailure(
  logger: Logger,
  of: { readonly service: string; readonly listener: string },
  error: unknown,
): void {
  const code = codeOf(error);
  writeLine(logger, {
    level: 'error',
    text: `${of.listener}, which listens to service "${of.service}", threw: ${messageOf(error)}`,
    fields: { ...of, ...(code !== undefined && { code }) },
  });
}

function listenersOf(instance: unknown): Listener[] {
  if (typeof instance !== 'object' || instance === null) return [];
  const prototype = Object.getPrototypeOf(instance) as object | null;
  if (!prototype) return [];
  const methods = instance as Record<string, Method>;
  return new MetadataScanner().getAllMethodNames(prototype).flatMap((name) => {
    const marks = Reflect.getMetadata(ON_STREAM, methods[name]!) as OnStreamMark[] | undefined;
    return (marks ?? []).map((mark) => ({
      ...mark,
      label: `${prototype.constructor.name}.${name}`,
      call: (notification) => methods[name]!(notification),
    }));
  });
}
