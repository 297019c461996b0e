import { Module, type DynamicModule } from '@nestjs/common';
import { StreamsModule, type StreamsModuleOptions } from 'nestjs-redis-streams';
import { AuditController } from './audit.controller.js';
import { OrderController } from './order.controller.js';

@Module({})
export class AppModule {
  /** The same application on each backend. An application that has one needs no such method. */
  static on(backend: StreamsModuleOptions): DynamicModule {
    return {
      module: AppModule,
      imports: [StreamsModule.forRoot(backend)],
      controllers: [OrderController, AuditController],
    };
  }
}
