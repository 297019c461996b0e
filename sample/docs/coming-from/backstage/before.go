package main

import (
	"context"
	"encoding/json"
	"os/signal"
	"syscall"

	backstage "github.com/backstage/go"
)

func main() {
	client := backstage.New(backstage.Config{
		Host:          "localhost",
		Port:          6379,
		ConsumerGroup: "order-workers",
	})
	defer client.Close()

	client.On("order.process", processOrder)
	client.On("email.send", sendEmail)

	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	client.Start(ctx) // until the context is cancelled
}

func processOrder(ctx context.Context, payload json.RawMessage) (*backstage.WorkflowInstruction, error) {
	var order Order
	if err := json.Unmarshal(payload, &order); err != nil {
		return nil, err
	}
	if err := warehouse.Reserve(ctx, order.OrderID); err != nil {
		return nil, err // run again
	}
	return &backstage.WorkflowInstruction{
		Next:    "email.send",
		Delay:   5000, // ms
		Payload: map[string]any{"to": order.CustomerID, "template": "reserved"},
	}, nil
}

func sendEmail(ctx context.Context, payload json.RawMessage) (*backstage.WorkflowInstruction, error) {
	var email Email
	if err := json.Unmarshal(payload, &email); err != nil {
		return nil, err
	}
	return nil, mailer.Send(ctx, email)
}
