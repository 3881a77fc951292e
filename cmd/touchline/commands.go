package main

import "github.com/spf13/cobra"

// commands lists the subcommands, each in a file of its own.
func commands() []*cobra.Command {
	return []*cobra.Command{
		newRunCommand(),
		newStatusCommand(),
		newTopCommand(),
		newCheckCommand(),
		newTestCommand(),
		newBackupCommand(),
		newRestoreCommand(),
		newAdoptCommand(),
		newBacktestCommand(),
		newShadowCommand(),
		newNotifyCommand(),
		newBridgeCommand(),
		newIncidentCommand(),
		newMaintainCommand(),
		newDashboardsCommand(),
		newLoginCommand(),
		newLogoutCommand(),
		newUsersCommand(),
		newTokensCommand(),
		newAuditCommand(),
		newVersionCommand(),
	}
}
