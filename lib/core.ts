// The module, the transport and the clients.
export { StreamPublisher, type BatchItem } from './nest/client/stream-publisher.js';
export { StreamRecordBuilder } from './nest/client/stream-record.js';
export { StreamsClient, type StreamsClientOptions } from './nest/client/streams.client.js';
export { InjectStreamsClient } from './nest/module/inject-streams-client.decorator.js';
export type { StreamsOptionsFactory } from './nest/module/streams-core.module.js';
export { StreamsModule, type StreamsModuleOptions } from './nest/module/streams.module.js';
export { getSourceToken, getStreamsToken } from './nest/tokens.js';
export type { StreamsStatus } from './nest/transport/connection-status.js';
export {
  StreamsTransport,
  type StreamsTransportOptions,
} from './nest/transport/streams.transport.js';
export type { PublishOptions } from './options/publish-options.js';
export type { StreamsOptions } from './options/streams-options.js';
export type { Slots } from './options/slots-options.js';

// Handlers.
export { BatchResult } from './nest/handling/batch-result.js';
export { StreamBatchContext } from './nest/handling/stream-batch.context.js';
export { StreamContext } from './nest/handling/stream.context.js';
export { StreamHandler } from './nest/handling/stream-handler.decorator.js';
export type { StreamHandlerOptions } from './nest/handling/handler-sources.js';
export type { MessageOf } from './core/event-map.js';
export type { Message } from './core/message.js';

// Consumers without a controller.
export type { EventDelivery } from './runtime/stream-consumers/event-callback.js';
export { StreamConsumer } from './runtime/stream-consumers/stream-consumer.js';
export { StreamConsumers } from './runtime/stream-consumers/stream-consumers.js';
export type { StreamConsumerOptions } from './options/stream-consumer-options.js';

// Workflows.
export { fanOut, next, WorkflowInstruction, type FanOut } from './workflows/instructions.js';
export type { JoinedResults, WorkflowFailure } from './workflows/workflow-payloads.js';
export { Workflows, type WorkflowState } from './workflows/workflows.js';

// Streams shared out between consumers.
export { LoadBalancedContext } from './nest/handling/load-balanced.context.js';
export { LoadBalancedHandler } from './nest/load-balancing/load-balanced-handler.decorator.js';
export { LoadBalancer } from './nest/load-balancing/load-balancer.js';
export {
  getLoadBalancerToken,
  LoadBalancerModule,
  type LoadBalancerModuleOptions,
} from './nest/load-balancing/load-balancer.module.js';
export {
  OnStreamAdded,
  OnStreamDisowned,
  OnStreamExpired,
  OnStreamTerminated,
} from './nest/load-balancing/on-stream.decorators.js';
export type {
  StreamAdded,
  StreamDisowned,
  StreamExpired,
  StreamNotification,
  StreamTerminated,
} from './load-balancing/notifications.js';
export type { OwnedStream } from './load-balancing/owned-stream.js';

// Administration, lag and events.
export { ConsumerGroupManager } from './admin/groups/consumer-groups.js';
export { DeadLetters } from './admin/dead-letters/dead-letters.js';
export { ConsumerStates } from './committing/consumer-states.js';
export { HeldMessages } from './admin/dead-letters/held-messages.js';
export { DelayedMessages } from './admin/delays/delayed-messages.js';
export { StreamRetention } from './admin/retention/stream-retention.js';
export { StreamsAdmin } from './admin/streams-admin.js';
export { LagMonitor } from './nest/lag/lag-monitor.js';
export { OnStreamEvent, type StreamEventOptions } from './nest/events/on-stream-event.decorator.js';
export { OnStreamLag } from './nest/lag/on-stream-lag.decorator.js';
export type { StreamsEvents } from './core/events.js';
export type { AdminAction, AdministeredEvent } from './core/admin-events.js';
export type { BackgroundTask } from './core/background-task.js';
export type { PublishedEvent } from './core/message-events.js';
export type { SettledEvent } from './core/run-events.js';
export type { StreamLagExceeded } from './core/lag.js';

// Middleware and codecs; what their authors need beside this is in `nestjs-redis-streams/driver`.
export { backstageCodec } from './core/codecs/backstage.codec.js';
export { businessCodec } from './core/codecs/business.codec.js';
export { jsonCodec } from './core/codecs/json.codec.js';
export { rawCodec } from './core/codecs/raw.codec.js';
export type { Delivery } from './core/delivery.js';
export type { Middleware } from './core/middleware.js';
export { ack, deadLetter, retry, type Settlement } from './core/settlement.js';

// Errors that applications throw, or catch by their class; `code` tells the others apart.
export { ClaimFailedError, StreamNotOwnedError } from './core/errors/balancing.errors.js';
export { ConnectionError } from './core/errors/connection.errors.js';
export {
  ConsumerHasPendingError,
  GroupNotFoundError,
  StreamNotFoundError,
} from './core/errors/group.errors.js';
export {
  HandlerTimeoutError,
  OwnershipLostError,
  RetryLaterError,
  ShutdownError,
  UnrecoverableError,
} from './core/errors/handling.errors.js';
export {
  BackpressureError,
  InvalidMessageError,
  NotReplicatedError,
  PayloadTooLargeError,
  PublishBatchError,
} from './core/errors/publishing.errors.js';
export { AnswerLostError, RemoteError, RequestTimeoutError } from './core/errors/request.errors.js';
export { ClosedError, InvalidOptionsError } from './core/errors/start-up.errors.js';
export { StreamsError } from './core/errors/streams.error.js';
export { ConsumerCrashedError } from './core/errors/subscription.errors.js';
