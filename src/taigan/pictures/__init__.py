"""Pictures of cars: made small where no stranger's file can do harm, and kept where the settings say."""
