package lint

// CheckRules says everything that is wrong with a rule file. It has no errors
// exactly when promtool check rules accepts the file.
func CheckRules(path string, content []byte) []Finding {
	return checkRules(newDocumentOfKind(path, content, Rules))
}

func checkRules(d *Document) []Finding { return d.Syntax }
