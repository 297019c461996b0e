import { Controller, Logger } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import {
  next,
  StreamHandler,
  type WorkflowInstruction,
} from 'nestjs-redis-streams';

interface Refund {
  orderId: string;
  checkedBy: string;
}

@Controller()
export class ReturnController {
  private readonly logger = new Logger(ReturnController.name);

  @StreamHandler('order.returned')
  check(@Payload('orderId') orderId: string): WorkflowInstruction {
    this.logger.log(`checking the parcel of ${orderId}`);
    return next('order.refund', { orderId, checkedBy: 'Grace' });
  }

  @StreamHandler('order.refund')
  refund(@Payload() { orderId, checkedBy }: Refund): void {
    this.logger.log(`${orderId} is refunded, checked by ${checkedBy}`);
  }
}
