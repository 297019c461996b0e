// Package notifs has the names of the public module that programs use of a notification.
package notifs

type NotificationType int

const (
	Unknown NotificationType = iota
	StreamAdded
	StreamDisowned
	StreamExpired
	StreamTerminated
)

type LBSInfo struct{ DataStreamName, IDInLBS string }

type Notification struct {
	Type           NotificationType
	Payload        LBSInfo
	AdditionalInfo map[string]any
}
