import ca.uhn.fhir.context.FhirContext;
import ca.uhn.fhir.context.support.DefaultProfileValidationSupport;
import ca.uhn.fhir.validation.FhirValidator;
import ca.uhn.fhir.validation.SingleValidationMessage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.hl7.fhir.common.hapi.validation.support.CommonCodeSystemsTerminologyService;
import org.hl7.fhir.common.hapi.validation.support.InMemoryTerminologyServerValidationSupport;
import org.hl7.fhir.common.hapi.validation.support.PrePopulatedValidationSupport;
import org.hl7.fhir.common.hapi.validation.support.SnapshotGeneratingValidationSupport;
import org.hl7.fhir.common.hapi.validation.support.ValidationSupportChain;
import org.hl7.fhir.common.hapi.validation.validator.FhirInstanceValidator;

/**
 * Validates FHIR R4 resources, one a file, as HL7's validator does, against R4 and the profiles that they claim.
 * usage: Validate profiles-folder resources-folder
 * Prints a line for each finding, of the file, the severity, where, and what, separated by tabs, and when a file is through, that it was validated.
 * Asks no network.
 */
public final class Validate {
    private Validate() {}

    public static void main(String[] arguments) throws IOException {
        FhirValidator validator = validator(FhirContext.forR4(), Path.of(arguments[0]));
        for (Path resource : json(Path.of(arguments[1]))) {
            String file = resource.getFileName().toString();
            for (SingleValidationMessage finding : validator.validateWithResult(Files.readString(resource)).getMessages()) {
                String what = finding.getMessage().replaceAll("\\s+", " ");
                System.out.println(String.join("\t", file, finding.getSeverity().getCode(), String.valueOf(finding.getLocationString()), what));
            }
            System.out.println(file + "\tvalidated");
        }
    }

    private static FhirValidator validator(FhirContext context, Path profiles) throws IOException {
        PrePopulatedValidationSupport ours = new PrePopulatedValidationSupport(context);
        for (Path profile : json(profiles)) {
            ours.addResource(context.newJsonParser().parseResource(Files.readString(profile)));
        }
        FhirInstanceValidator instances = new FhirInstanceValidator(new ValidationSupportChain(
            new DefaultProfileValidationSupport(context),
            ours,
            new CommonCodeSystemsTerminologyService(context),
            new InMemoryTerminologyServerValidationSupport(context),
            new SnapshotGeneratingValidationSupport(context)));
        // A profile that nobody knows would otherwise be met by everything.
        instances.setErrorForUnknownProfiles(true);
        return context.newValidator().registerValidatorModule(instances);
    }

    private static List<Path> json(Path folder) throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            return files.filter(file -> file.toString().endsWith(".json")).sorted().toList();
        }
    }
}
