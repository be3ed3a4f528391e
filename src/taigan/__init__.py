"""taigan (抬杆): a parking-lot platform that speaks BoLink (泊链), and a BoLink to test it against."""
