package storagetest

// step does one random operation to the model and to the store.
func (m *model) step() {
	steps := []struct {
		weight int
		do     func()
	}{
		{3, m.createAccount}, {3, m.updateAccount}, {1, m.deleteAccount}, {12, m.commit}, {2, m.replace},
		{3, m.setTakedown},
		{2, m.appendEvents}, {1, m.trimEvents}, {1, m.raiseSeq}, {4, m.putDocument}, {2, m.takeDocument}, {2, m.swapDocument}, {1, m.deleteDocuments},
		{1, m.expireDocuments}, {5, m.putBlob}, {1, m.setBlobTakedown}, {2, m.claimBlobs},
		{2, m.removeBlob},
	}
	total := 0
	for _, s := range steps {
		total += s.weight
	}
	n := m.random.IntN(total)
	for _, s := range steps {
		if n -= s.weight; n < 0 {
			s.do()
			return
		}
	}
}
