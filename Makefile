# make app and make test do all the set-up, from a bare clone with Python 3.11.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
export PIP_CONSTRAINT := $(CURDIR)/constraints.txt
export PIP_DISABLE_PIP_VERSION_CHECK := 1

APP := .venv-app
DEV := .venv
STICK := .venv-stick
NUMPY2 := .venv-numpy2
SOURCES := edge_app train convert benchmarks tests docs

.PHONY: app env lock shipped test test-app test-numpy-two fuzz test-slow test-attack test-arm64 test-boot unit-security fault-report check lint types format wheelhouse clean
app: $(APP)/ready  ## open the kiosk on 127.0.0.1:7860
	$(APP)/bin/python -m edge_app serve

env: $(DEV)/ready  ## the developers' environment: train, convert, measure

test: $(DEV)/ready  ## run every test, in two processes
	$(DEV)/bin/python -m pytest --numprocesses 2 --dist loadfile

# make shipped DATA=data/chest_xray MASKS=lung_masks; docs/guide/reproduce.md explains the settings.
DATA ?= data/chest_xray
MASKS ?= lung_masks
OUT ?= runs/shipped
LOCATOR_SETTINGS ?= --seed 0
FIT_SETTINGS ?= --bfloat16 --seed 0
CONVERT_SETTINGS ?= --seed 2 --max-films-missed 1 --max-recall-loss 0
PURPOSE ?= --ages 1 5 --population "children of one hospital in Guangzhou" --intended-use "Draft reading of frontal chest films of children aged 1 to 5 with suspected pneumonia, to be confirmed by a trained reader. Not for adults. Not for diagnosis on its own."
DEV_PYTHON ?= $(DEV)/bin/python

shipped: $(DEV)/ready  ## train and convert the network that ships: locator first (hours); each step says when it begins
	@date -u '+%H:%M:%S train locator'
	$(DEV_PYTHON) -m train locator --data $(DATA) --masks $(MASKS) --out $(OUT)/locator $(LOCATOR_SETTINGS)
	@date -u '+%H:%M:%S convert --locator'
	$(DEV_PYTHON) -m convert --locator --model $(OUT)/locator/model.keras --data $(DATA) --masks $(MASKS) --masks-attribution "V7 Labs, COVID-19 X-ray dataset (2020)" --masks-licence "CC BY 4.0" --out $(OUT)/locator-int8
	@date -u '+%H:%M:%S train fit'
	$(DEV_PYTHON) -m train fit --data $(DATA) --locator $(OUT)/locator-int8 --out $(OUT)/fit $(FIT_SETTINGS) $(PURPOSE)
	@date -u '+%H:%M:%S convert --int8'
	$(DEV_PYTHON) -m convert --int8 --model $(OUT)/fit/model.keras --data $(DATA) --out $(OUT)/bundle $(CONVERT_SETTINGS)
	@date -u '+%H:%M:%S finished'

test-app: $(APP)/ready  ## only the device, without TensorFlow
	! $(APP)/bin/python -c 'import tensorflow' 2>/dev/null
	$(APP)/bin/python -m edge_app selftest
	$(APP)/bin/python -m edge_app doctor
	mkdir -p build
	$(APP)/bin/python -c 'from pathlib import Path; from edge_app.imaging.phantom import phantom_png; Path("build/phantom.png").write_bytes(phantom_png("viral", 1))'
	$(APP)/bin/python -m edge_app predict build/phantom.png --json

test-numpy-two: $(NUMPY2)/ready  ## the tests of films with numpy 2, as on Python 3.13
	$(NUMPY2)/bin/python -m pytest -p no:cacheprovider tests/edge_app/imaging/test_film_cases.py tests/edge_app/imaging/test_dicom.py tests/edge_app/imaging/test_film.py tests/edge_app/imaging/test_formats.py tests/edge_app/imaging/test_decoder.py tests/edge_app/faults/test_plausible_films.py

fuzz: $(DEV)/ready  ## 1,000 wrong headers per format, in watch and in the kiosk (a quarter of an hour)
	$(DEV)/bin/python -m pytest -m slow -s tests/edge_app/faults/test_plausible_films.py

test-slow: $(DEV)/ready  ## the suites that take minutes
	$(DEV)/bin/python -m pytest -m slow

test-attack: $(DEV)/ready  ## attack a kiosk for two minutes while a clerk hands in films (idle machine)
	$(DEV)/bin/python -m pytest -s -m slow tests/edge_app/kiosk/test_kiosk_attack.py

check: lint types test test-app  ## lint, format, types, tests

lint: $(DEV)/ready
	$(DEV)/bin/ruff check $(SOURCES)
	$(DEV)/bin/ruff format --check $(SOURCES)

types: $(DEV)/ready
	$(DEV)/bin/mypy

format: $(DEV)/ready  ## format the code
	$(DEV)/bin/ruff check --fix $(SOURCES)
	$(DEV)/bin/ruff format $(SOURCES)

lock: $(STICK)/ready  ## after a change of constraints.txt: write the hashes of a device's packages (minutes)
	$(STICK)/bin/python -m edge_app.deploy.wheelhouse --out dist/stick-all --lock

wheelhouse: $(STICK)/ready  ## make the offline install stick in dist/stick
	$(STICK)/bin/python -m edge_app.deploy.wheelhouse --out dist/stick

test-arm64: wheelhouse $(DEV)/ready  ## install and use the stick in an emulated arm64 system (root, minutes)
	PYTHON=$(CURDIR)/$(DEV)/bin/python sh tests/edge_app/deploy/test-arm64.sh dist/stick dist/arm64

test-boot: $(STICK)/ready  ## install the stick in a booted Debian and break the service (root, minutes)
	$(STICK)/bin/python -m edge_app.deploy.wheelhouse --out dist/stick-here --target $$(uname -m)-3.11
	sh tests/edge_app/deploy/test-boot.sh dist/stick-here dist/boot

fault-report: $(DEV)/ready  ## run every fault test and write what it found into docs/evidence/reliability.md (half an hour)
	rm -f docs/evidence/fault-report.jsonl
	CXR_FAULT_REPORT=$(CURDIR)/docs/evidence/fault-report.jsonl $(DEV)/bin/python -m pytest -m 'slow or not slow' tests/edge_app/faults
	$(DEV)/bin/python tests/edge_app/faults/report_table.py

unit-security:  ## write how systemd rates the service's sandbox to docs/evidence/unit-security.txt
	sh tests/edge_app/deploy/unit-security.sh >docs/evidence/unit-security.new
	mv docs/evidence/unit-security.new docs/evidence/unit-security.txt

# With the hashes of requirements-device.txt, also of pip and setuptools; the kit itself then needs nothing more.
HASHED := -m pip install --quiet --require-hashes --only-binary=:all: --requirement

$(STICK)/ready: requirements-device.txt  # what builds the kit; the rest is not needed to make a stick
	$(PYTHON) -m venv $(STICK)
	grep -E '^(packaging|pip|setuptools)==' requirements-device.txt >$(STICK)/requirements.txt
	$(STICK)/bin/python $(HASHED) $(STICK)/requirements.txt
	touch $@

$(APP)/ready: pyproject.toml requirements-device.txt
	$(PYTHON) -m venv $(APP)
	$(APP)/bin/python $(HASHED) requirements-device.txt
	$(APP)/bin/python -m pip install --quiet --no-deps --no-build-isolation --no-index --editable .
	touch $@

$(NUMPY2)/ready: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(NUMPY2)
	sed 's/^numpy==1.*/numpy==2.2.6/' constraints.txt >$(NUMPY2)/constraints.txt
	PIP_CONSTRAINT=$(CURDIR)/$(NUMPY2)/constraints.txt $(NUMPY2)/bin/pip install --quiet --editable '.[edge,dicom]' pytest pytest-xdist hypothesis
	touch $@

$(DEV)/ready: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(DEV)
	$(DEV)/bin/pip install --quiet --editable '.[edge,dicom,tflite-runtime,train,dev]'
	touch $@

clean:
	rm -rf $(APP) $(DEV) $(STICK) $(NUMPY2) build *.egg-info
