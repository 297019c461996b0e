import { Inject } from '@nestjs/common';
import { ConsumerGroupManager } from '../../admin/groups/consumer-groups.js';
import { StreamPublisher } from '../client/stream-publisher.js';
import { StreamsClient } from '../client/streams.client.js';
import { getStreamsToken } from '../tokens.js';
import { DEFAULT_NAME } from '../../options/streams-options.js';

/**
 * Injects the {@link StreamsClient} of the module with this name. @param name @default 'default'
 */
export const InjectStreamsClient = (name = DEFAULT_NAME): PropertyDecorator & ParameterDecorator =>
  Inject(getStreamsToken(name, StreamsClient));

/**
 * Injects the {@link StreamPublisher} of the module with this name. @param name @default 'default'
 */
export const InjectStreamsPublisher = (
  name = DEFAULT_NAME,
): PropertyDecorator & ParameterDecorator => Inject(getStreamsToken(name, StreamPublisher));

/**
 * Injects the {@link ConsumerGroupManager} of the module with this name. @param name
 * @default 'default'
 */
export const InjectConsumerGroupManager = (
  name = DEFAULT_NAME,
): PropertyDecorator & ParameterDecorator => Inject(getStreamsToken(name, ConsumerGroupManager));
